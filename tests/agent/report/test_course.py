from dataclasses import replace
from pathlib import Path

from agent.report.course import write_curve
from memory.records import Block, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

BLOCKS = [Block(0, "baseline", 0.0, "done"), Block(1, "sweep", 0.0, "done"), Block(2, "code", 0.0, None)]


def test_the_figure_names_what_was_accepted_and_the_rungs_and_is_the_same_each_time(tmp_path: Path) -> None:
    baseline = scored("e0001", [0.3, 0.32], block=0, verdict=Verdict("accepted", "", number=1))
    swept = scored("e0002", [0.2], verdict=Verdict("rejected", "", number=2))
    broken = replace(failed("e0003", "crashed", "why"), verdict=Verdict("failed", "", number=3))
    moved = replace(
        scored("e0004", [0.6, 0.7], block=2, verdict=Verdict("accepted", "", number=4)), move="sign_tied", patch="diff"
    )
    for name in ("once.svg", "twice.svg"):
        write_curve(
            tmp_path / name,
            [baseline, swept, broken, moved, scored("e0005", block=2)],
            BLOCKS,
            FIDELITY,
            objective="exact",
        )
    text = (tmp_path / "once.svg").read_text()
    assert text == (tmp_path / "twice.svg").read_text()
    for words in ("e0004 sign_tied", "sweep", "code", "rejected"):
        assert f">{words}</text>" in text


def test_a_campaign_that_has_just_begun_has_a_figure(tmp_path: Path) -> None:
    write_curve(tmp_path / "curve.svg", [], [], FIDELITY, objective="exact")
    assert (tmp_path / "curve.svg").read_text().startswith("<?xml")

from dataclasses import replace

from agent.report.course import draw_curve
from agent.report.theme import VERDICTS
from memory.records import Block, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

BLOCKS = [Block(0, "baseline", 0.0, "done"), Block(1, "sweep", 0.0, "done"), Block(2, "code", 0.0, None)]


def test_the_figure_names_what_was_accepted_and_the_rungs_and_is_the_same_each_time() -> None:
    baseline = scored("e0001", [0.3, 0.32], block=0, verdict=Verdict("accepted", "", number=1))
    swept = scored("e0002", [0.2], verdict=Verdict("rejected", "", number=2))
    broken = replace(failed("e0003", "crashed", "why"), verdict=Verdict("failed", "", number=3))
    moved = replace(
        scored("e0004", [0.6, 0.7], block=2, verdict=Verdict("accepted", "", number=4)), move="sign_tied", patch="diff"
    )
    experiments = [baseline, swept, broken, moved, scored("e0005", block=2)]
    text = draw_curve(experiments, BLOCKS, FIDELITY, objective="exact")
    assert text == draw_curve(experiments, BLOCKS, FIDELITY, objective="exact")
    for words in ("e0004 sign_tied", "sweep", "code", "rejected"):
        assert f">{words}</text>" in text


def test_a_campaign_that_has_just_begun_has_a_figure() -> None:
    assert draw_curve([], [], FIDELITY, objective="exact").startswith("<?xml")


def test_scores_stand_beside_the_baseline_of_their_own_fidelity() -> None:
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1))
    at_full = scored("e0001", [0.6]).trials[0]
    baseline = replace(baseline, trials=(*baseline.trials, replace(at_full, fidelity="full")))
    stopped_at_probe = scored("e0002", [0.25], verdict=Verdict("rejected", "", number=2))
    figure = draw_curve([baseline, stopped_at_probe], BLOCKS, "full", objective="exact")
    at_full_alone, _, below = figure.partition('id="axes_2"')
    drawn = at_full_alone.partition('id="legend_1"')[0]
    assert ">exact at full</text>" in drawn
    assert VERDICTS["rejected"] not in drawn
    assert ">exact at probe</text>" in below
    assert VERDICTS["rejected"] in below

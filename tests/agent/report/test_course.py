from dataclasses import replace
from itertools import combinations

import pytest
from matplotlib.figure import Figure

from agent.report.course import draw_curve, paint_course
from agent.report.theme import VERDICTS, styled
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


@pytest.mark.parametrize("scores", [[0.65], [0.99], [0.65, 0.66], [0.55, 0.6, 0.99]])
def test_the_names_of_few_experiments_stay_inside_and_clear_of_each_other(scores: list[float]) -> None:
    experiments = [scored("e0001", [0.3, 0.32], block=0, verdict=Verdict("accepted", "", number=1))]
    for number, score in enumerate(scores, start=2):
        verdict = Verdict("accepted", "", "e0001", number=number)
        accepted = scored(f"e{number:04}", [score, score], verdict=verdict)
        experiments.append(replace(accepted, title="start each coefficient half-way between 1 and 2"))
    with styled():
        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        paint_course(figure, experiments, BLOCKS, FIDELITY, objective="exact")
        figure.draw_without_rendering()
        (axes,) = figure.axes
        boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    assert sum("start each coefficient" in name for name in boxes) == len(scores)
    assert all(axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1 for box in boxes.values())
    assert not any(one.overlaps(other) for one, other in combinations(boxes.values(), 2))

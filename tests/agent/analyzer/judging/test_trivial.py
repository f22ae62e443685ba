"""Answers that learn nothing: no candidate is accepted for one over a baseline that was cut short."""

from __future__ import annotations

from dataclasses import replace

from agent.analyzer.judging.acceptance import Wanted
from memory.records import Experiment
from tests.agent.analyzer.judging.hearings import FIRST, LAST, answer_to, baseline, confirmed, verdict_on
from tests.agent.experiments import scored


def with_trivial(e: Experiment, trivial: float) -> Experiment:
    return replace(e, trials=tuple(replace(t, scores=t.scores | {"baseline_exact": trivial}) for t in e.trials))


def test_an_answer_that_learns_nothing_is_not_accepted_over_a_baseline_that_was_cut_short() -> None:
    twin = with_trivial(scored("e0007", [0.617] * 2), 0.617)
    words = "learns nothing: 0.6170 on 2 seeds is not above 0.6170, the score of 1 everywhere; it leads e0001"
    assert verdict_on(twin, with_trivial(baseline(), 0.617)).reason == words
    better, incumbent = confirmed(0.2, FIRST)
    assert verdict_on(with_trivial(better, 0.505), incumbent).reason.startswith("learns nothing: 0.5000 on 12 seeds")
    assert verdict_on(with_trivial(better, 0.4), incumbent).verdict == "accepted"
    near = with_trivial(better, 0.498)  # above that answer, which 12 seeds do not show
    assert isinstance(answer_to(near, incumbent), Wanted)
    little, incumbent = confirmed(0.005, FIRST)
    assert isinstance(answer_to(little, incumbent), Wanted)
    assert verdict_on(with_trivial(little, 0.4), incumbent).reason.startswith("learns nothing: 0.3050 on 12 seeds")
    last, incumbent = confirmed(0.2, LAST)
    assert verdict_on(with_trivial(last, 0.4999), incumbent).reason.startswith("not shown to learn anything: +0.0001")


def with_uninformed(e: Experiment, score: float) -> Experiment:
    own = {"baseline_exact": 0.4, "uninformed_exact": score}
    return replace(e, trials=tuple(replace(t, scores=t.scores | own) for t in e.trials))


def test_code_has_to_beat_every_answer_without_data_and_a_configuration_of_free_signs_1_everywhere() -> None:
    better, incumbent = confirmed(0.2, FIRST)
    code = replace(with_uninformed(better, 0.52), patch="a diff")
    words = "learns nothing: 0.5000 on 12 seeds is not above 0.5200, the score of the best answer without data"
    assert verdict_on(code, incumbent).reason == f"{words}; it leads e0001"
    assert verdict_on(replace(with_uninformed(better, 0.4), patch="a diff"), incumbent).verdict == "accepted"
    assert verdict_on(with_uninformed(better, 0.52), incumbent).verdict == "accepted"

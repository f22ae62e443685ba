from dataclasses import replace

import pytest

from benchmarks.bars import BARS, Bar, BarResult, Over, all_met, judge_bar
from benchmarks.summary import SCORES, group
from benchmarks.trials import BenchmarkRun, Failed, Finished

MEDIAN = Bar("pde_m1_noise", 0.9)


def trial(seed: int) -> BenchmarkRun:
    return BenchmarkRun(regime="pde_m1_noise", sibling=None, seed=seed, recipe="best", code="a-b-c")


def finished(seed: int, exact: float) -> Finished:
    return Finished(trial=trial(seed), seconds=2.0, printed={"scores": {**dict.fromkeys(SCORES, 0.5), "exact": exact}})


def verdict(met: bool | None) -> BarResult:
    return judge_bar(MEDIAN, {True: [1.0] * 5, False: [0.0] * 5, None: []}[met])


def test_a_group_is_summed_up_by_median_and_extremes() -> None:
    exact = group([finished(0, 0.9), finished(1, 0.5), finished(2, 1.0), finished(3, 0.6)]).scores["exact"]
    assert (exact.median, exact.min, exact.max) == (0.75, 0.5, 1.0)
    assert exact.values == (0.9, 0.5, 1.0, 0.6)


def test_a_score_that_a_regime_leaves_out_is_left_out() -> None:
    trained = finished(0, 0.9)
    scores = {name: value for name, value in trained.scores.items() if name != "log_k_r2_aligned"}
    without = trained.model_copy(update={"printed": {"scores": scores}})
    assert set(SCORES) - set(group([without]).scores) == {"log_k_r2_aligned"}
    assert set(group([without, trained]).scores) == set(scores)


def test_a_trial_that_failed_recovered_nothing() -> None:
    measured = group([finished(0, 0.9), Failed(trial(1), "the loss became nan")])
    assert measured.values("exact") == [0.9, 0.0]
    assert measured.failed == {"pde_m1_noise, best recipe, seed 1": "the loss became nan"}
    assert group([Failed(trial(0), "killed")]).values("exact") == [0.0]


@pytest.mark.parametrize(
    ("over", "values", "figure", "met"),
    [
        ("median of seeds", [0.2, 0.9, 0.9, 0.9, 1.0], 0.9, True),
        ("median of seeds", [1.0, 1.0, 0.89, 0.89, 0.89], 0.89, False),
        ("each seed", [1.0, 1.0, 1.0, 1.0, 0.9], 0.9, True),
        ("each sibling", [1.0, 1.0, 1.0, 1.0, 0.89], 0.89, False),
        ("median of seeds", [1.0, 1.0], 1.0, None),
        ("each seed", [], None, None),
    ],
)
def test_a_bar_is_met_missed_or_not_measured(over: Over, values: list[float], figure: float, met: bool | None) -> None:
    found = judge_bar(replace(MEDIAN, over=over), values)
    assert (found.figure, found.met) == (figure, met)


def test_all_bars_of_a_regime_count() -> None:
    assert all_met([verdict(True), verdict(True)]) is True
    assert all_met([verdict(True), verdict(False), verdict(None)]) is False
    assert all_met([verdict(True), verdict(None)]) is None
    assert all_met([]) is None


def test_every_bar_names_a_score_that_is_measured() -> None:
    assert {bar.score for bar in BARS} <= set(SCORES)
    assert all(0.0 < bar.level <= 1.0 for bar in BARS)

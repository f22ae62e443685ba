from pathlib import Path

import numpy as np
import pytest

from agent.executor.code.code_state import CodeState
from benchmarks.blind import PARTS, TIED, Arms, draw, interval, rank, report
from benchmarks.trials import BenchmarkRun, Failed, Finished
from tests.conftest import ROOT, UNCONTAINED


def trial(seed: int, *, recipe: str | None = None, settings: tuple[str, ...] = ("gate=none",)) -> BenchmarkRun:
    return BenchmarkRun(
        regime="pde_m1", sibling=None, seed=seed, recipe=recipe, settings=settings, steps=5, code="a-b-c"
    )


def scores(blind: float, exact: float) -> dict[str, float]:
    return {"blind": blind, "exact": exact, **dict.fromkeys(PARTS, 0.5)}


def finished(seed: int, blind: float, exact: float, recipe: str | None = None) -> Finished:
    settings = () if recipe == "best" else ("gate=none",)
    told = trial(seed, recipe=recipe, settings=settings)
    return Finished(trial=told, seconds=1.0, printed={"scores": scores(blind, exact)})


def test_a_draw_is_within_the_space_and_the_same_for_the_same_generator() -> None:
    state = CodeState(ROOT, UNCONTAINED)
    settings = draw(state.fields, np.random.default_rng(3))
    assert settings == draw(state.fields, np.random.default_rng(3)) != draw(state.fields, np.random.default_rng(4))
    assert [setting.partition("=")[0] for setting in settings] == sorted(state.fields)
    rate = float(dict(setting.split("=") for setting in settings)["lr_S"])
    assert 0.0001 <= rate <= 0.1
    assert (Path(ROOT) / TIED).is_file()


def test_a_perfect_ranking_chooses_the_best_and_a_turned_one_the_worst() -> None:
    exact = [0.3, 0.5, 0.4, 0.9, 0.7]
    good = rank([scores(value / 2, value) for value in exact])
    assert good.rho == pytest.approx(1.0)
    assert (good.best, good.chosen, good.median) == (0.9, 0.9, 0.5)
    bad = rank([scores(1 - value, value) for value in exact])
    assert bad.rho == pytest.approx(-1.0)
    assert bad.chosen == 0.3
    assert good.parts == dict.fromkeys(PARTS)  # they were all alike
    assert rank([scores(0.1, 0.2)] * 5).rho is None


def test_the_interval_of_a_rank_correlation_is_that_of_bonett_and_wright() -> None:
    low, high = interval(0.5, 28)
    half = 1.959964 * np.sqrt(1.125 / 25)
    assert (np.arctanh(low), np.arctanh(high)) == (
        pytest.approx(np.arctanh(0.5) - half, abs=1e-6),
        pytest.approx(np.arctanh(0.5) + half, abs=1e-6),
    )


def test_a_report_tells_the_drawn_from_the_recipes_and_counts_what_failed() -> None:
    free = [finished(seed, 0.1 * seed, 0.2 + 0.1 * seed) for seed in range(4)]
    tied = [finished(seed, 0.2 * seed, 0.5 + 0.1 * seed, recipe=TIED) for seed in range(4)]
    outcomes: list[Finished | Failed] = [*free, *tied, finished(0, 0.9, 1.0, recipe="best"), Failed(trial(9), "nan")]
    told = report("pde_m1", outcomes)
    assert told is not None
    assert (told.failed, {arm: ranking.trials for arm, ranking in told.rankings.items()}) == (
        1,
        {Arms.EVERY: 9, Arms.FREE: 4, Arms.TIED: 4},
    )
    assert told.rankings[Arms.EVERY].chosen == 1.0
    assert report("pde_m1", [Failed(trial(9), "nan")]) is None

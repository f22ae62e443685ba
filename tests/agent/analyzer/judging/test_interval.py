"""Intervals of shares and of their differences: none reaches beyond what is possible, all views round alike."""

from __future__ import annotations

import pytest

from agent.analyzer.judging.confirmation import Contrast, compare
from agent.analyzer.judging.interval import GAIN, SHARE, interval_of_mean
from agent.analyzer.judging.noise import Noise
from memory.formatting import within
from memory.records import Verdict
from memory.render import experiment_text
from tests.agent.experiments import scored


@pytest.mark.parametrize("scores", [[0.9897, 1.0, 1.0], [0.0, 0.01], [1.0, 1.0], [0.0, 1.0], [0.3, 0.31, 0.29]])
def test_the_interval_of_a_share_is_of_shares_and_holds_its_mean(scores: list[float]) -> None:
    interval = interval_of_mean(scores, SHARE)
    assert interval is not None
    assert 0.0 <= interval[0] <= sum(scores) / len(scores) <= interval[1] <= 1.0


@pytest.mark.parametrize("gains", [[0.9, 1.0], [-1.0, -0.9], [-1.0, 1.0]])
def test_the_interval_of_a_gain_stays_between_minus_one_and_one(gains: list[float]) -> None:
    for low, high in (interval_of_mean(gains, GAIN) or (2, 2), compare(gains, Noise(0.5, 3)).interval):
        assert -1.0 <= low <= high <= 1.0


@pytest.mark.parametrize("skewness", [-2.0, -0.1, 0.0, 0.1, 3.0])
@pytest.mark.parametrize("level", [0.05, 0.0002])
def test_the_least_effect_that_a_level_shows_has_it_as_p_value(skewness: float, level: float) -> None:
    least = Contrast(0.0, 0.02, 15, skewness).least_shown(level, -0.01)
    assert Contrast(least, 0.02, 15, skewness).p_value(-0.01) == pytest.approx(level)


def test_within_its_bounds_an_interval_is_students() -> None:
    assert interval_of_mean([0.50, 0.52, 0.54], SHARE) == pytest.approx((0.52 - 0.04968, 0.52 + 0.04968), abs=1e-4)
    assert interval_of_mean([0.5], SHARE) is None


@pytest.mark.parametrize(
    ("interval", "text", "signed"),
    [
        ((0.98969, 1.0), " [0.9896, 1.0000]", " [+0.9896, +1.0000]"),
        ((0.57, 0.57), " [0.5700, 0.5700]", " [+0.5700, +0.5700]"),
        ((-0.00001, 0.00001), " [-0.0001, 0.0001]", " [-0.0001, +0.0001]"),
        (None, "", ""),
    ],
)
def test_bounds_are_rounded_outwards(interval: tuple[float, float] | None, text: str, signed: str) -> None:
    assert (within(interval), within(interval, signed=True)) == (text, signed)


def test_the_log_rounds_as_the_others_do() -> None:
    verdict = Verdict("accepted", "better", "e0001", 0.1, (0.05001, 0.14999), 1e-4)
    assert "95 % interval [+0.0500, +0.1500] against e0001" in experiment_text(scored("e0002", [0.4], verdict=verdict))

"""Small versions of `python -m benchmarks judging`, whose full tables are in docs/evidence.md."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judging import Accepts, AcceptsAnEqual, EndsEarly, FindsASuccessor, FitsConstants, share
from benchmarks.laws import Nature


@pytest.mark.parametrize(
    ("law", "factor"),
    [
        ("normal", 1.0),
        ("Cauchy, clipped", 1.0),
        ("one edge more on 30 % of seeds", 1.0),
        ("a fifth of seeds fail", 2.0),
        ("normal", 3.0),
        ("bimodal", 5.0),
    ],
)
def test_campaigns_of_equal_candidates_rarely_accept_any(law: str, factor: float) -> None:
    """30 candidates each, none better than the baseline: at most 5 % of campaigns may accept one."""
    assert share(AcceptsAnEqual(law, factor), 20) <= 0.05


@pytest.mark.parametrize(("law", "factor"), [("normal", 1.0), ("bimodal", 5.0)])
def test_campaigns_of_equal_code_rarely_accept_any(law: str, factor: float) -> None:
    assert share(AcceptsAnEqual(law, factor, patched=True), 30) <= 0.05


def test_a_gain_of_one_standard_deviation_is_found_in_most_cases() -> None:
    assert share(Accepts(Nature(0.53, 0.03)), 40) >= 0.6


def test_code_that_gains_less_on_siblings_and_fails_on_some_seeds_there_is_found() -> None:
    """The figures are those of a real campaign, which rejected nine such gains."""
    assert share(Accepts(Nature(0.56, 0.015, elsewhere=0.536, wider=5.0), patched=True), 20) >= 0.6


@pytest.mark.parametrize("sigma", [0.003, 0.01, 0.03])
def test_small_gains_are_found_beside_a_baseline_ten_times_as_noisy(sigma: float) -> None:
    assert share(FindsASuccessor(sigma), 15) >= 0.8


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("fails", [0.25, 0.3, 0.4])
def test_what_is_better_on_most_seeds_and_fails_on_the_others_is_not_accepted(fails: float, breaks: bool) -> None:
    assert share(Accepts(Nature(0.62, 0.03, fails=fails, breaks=breaks)), 40) <= 0.05


@pytest.mark.parametrize(("elsewhere", "siblings"), [(-1.0, 4), (-1.0, 1), (-2.0, 2)])
def test_code_that_is_fitted_to_one_network_is_not_accepted(elsewhere: float, siblings: int) -> None:
    assert not FitsConstants(elsewhere, proposals=20, siblings=siblings)(np.random.default_rng(0))


@pytest.mark.parametrize(
    "start",
    [
        Nature(0.6, 0.35, "bimodal"),
        Nature(0.95, 0.02, fails=0.2),
        Nature(0.675, 0.159, "uniform"),
        Nature(0.45, 0.15),
    ],
)
def test_a_campaign_does_not_end_while_half_of_the_gain_is_left(start: Nature) -> None:
    assert share(EndsEarly(start, proposals=6), 10) == 0.0


def test_constants_are_not_accepted_over_a_baseline_that_is_unlucky_on_siblings() -> None:
    """In this campaign its mean there is 3.7 standard errors too low."""
    assert not FitsConstants(0.0, proposals=20)(np.random.default_rng((0, 38)))

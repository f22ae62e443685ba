"""Small versions of `python -m benchmarks judging`, whose full tables are in docs/evidence.md."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judging import Accepts, AcceptsAnEqual, EndsEarly, FindsASuccessor, FitsConstants, share
from benchmarks.laws import Nature


@pytest.mark.parametrize(("law", "factor"), [("normal", 1.0), ("a fifth of seeds fail", 2.0), ("bimodal", 5.0)])
def test_campaigns_of_equal_candidates_rarely_accept_any(law: str, factor: float) -> None:
    """30 candidates each, none better than the baseline: at most 5 % of campaigns may accept one."""
    assert share(AcceptsAnEqual(law, factor), 6) <= 1 / 6


def test_a_gain_of_one_standard_deviation_is_found_in_most_cases() -> None:
    assert share(Accepts(Nature(0.53, 0.03)), 40) >= 0.6


def test_small_gains_are_found_beside_a_baseline_ten_times_as_noisy() -> None:
    assert share(FindsASuccessor(), 15) >= 0.8


@pytest.mark.parametrize("breaks", [False, True])
def test_what_is_better_on_most_seeds_and_fails_on_the_others_is_not_accepted(breaks: bool) -> None:
    assert share(Accepts(Nature(0.62, 0.03, fails=0.25, breaks=breaks)), 40) <= 0.05


def test_code_that_is_fitted_to_one_network_is_not_accepted() -> None:
    assert not FitsConstants(elsewhere=-1.0, proposals=20)(np.random.default_rng(0))


def test_a_campaign_does_not_end_while_half_of_the_gain_is_left() -> None:
    assert share(EndsEarly(Nature(0.6, 0.35, "bimodal"), proposals=6), 10) == 0.0

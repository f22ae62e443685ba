"""Confirmations of code, half of whose trials are on sibling networks, as examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.analyzer.judging.acceptance import Wanted, judge
from agent.analyzer.judging.confirmation import FURTHER
from agent.analyzer.judging.noise import Evidence
from memory.records import Experiment, Verdict
from tests.agent.analyzer.judging.hearings import (
    FIRST,
    FRESH,
    LAST,
    SECOND,
    THIRD,
    around,
    baseline,
    confirmed,
    measured,
    on_siblings,
    shifted,
    verdict_on,
    wanted_of,
)
from tests.agent.experiments import FIDELITY, scored


def test_code_has_half_of_its_pairs_on_sibling_networks_and_a_sweep_on_the_first_code_has_not() -> None:
    code = replace(scored("e0007", around(0.4, (0, 1))), patch="a diff")
    wanted = wanted_of(code, baseline(), siblings=2)
    for name in ("e0007", "e0001"):
        assert sum(key.experiment == name and key.sibling == 0 for key in wanted.trials) == FIRST // 2
    there = {
        name: [t.sibling for t in wanted.trials if t.experiment == name and t.sibling] for name in ("e0007", "e0001")
    }
    assert there == {"e0007": [1, 2] * 3, "e0001": [1, 2] * 6}  # challengers share those of the incumbent
    swept = wanted_of(scored("e0007", around(0.4, (0, 1))), baseline(), siblings=2)
    assert not any(key.sibling for key in swept.trials)
    on_code = replace(scored("e0008", around(0.6, (6000, 6001))), parent="e0007")
    newer = replace(scored("e0007", around(0.4, FRESH[:6]), verdict=Verdict("accepted", "", "e0001")), patch="a diff")
    assert any(key.sibling for key in wanted_of(on_code, newer, siblings=2).trials)


@pytest.mark.parametrize(
    ("gain", "verdict", "words"),
    [
        (0.1, "accepted", "; the gain is shown on sibling networks"),
        (0.0, "rejected", "the gain over e0001 is not shown on sibling networks"),
    ],
)
def test_a_gain_has_to_be_shown_on_siblings_too_and_no_figure_of_theirs_is_told(
    gain: float, verdict: str, words: str
) -> None:
    candidate, incumbent = confirmed(0.1, FIRST)
    candidate = on_siblings(replace(candidate, patch="a diff"), 0.7777 + gain, FIRST // 2)
    answer = verdict_on(candidate, on_siblings(incumbent, 0.7777, FIRST), siblings=2)
    assert answer.verdict == verdict
    assert words in answer.reason
    assert answer.effect == pytest.approx(0.1, abs=0.01)
    assert "0.77" not in answer.reason
    assert "0.87" not in answer.reason


def test_a_gain_of_many_standard_deviations_is_accepted_at_the_first_look_though_siblings_are_few_and_skewed() -> None:
    """The expansion for skewness does not hold so far out."""
    candidate, incumbent = confirmed(0.4, FIRST)
    code = on_siblings(replace(candidate, patch="a diff"), 0.7, 8, siblings=4)
    rival = on_siblings(incumbent, 0.7, FIRST, siblings=4)
    gains = (0.4166, 0.3952, 0.2649, 0.3952, 0.4146, 0.3531)  # of a real campaign
    rival = shifted(rival, [-gains[place % 6] for place in range(FIRST)])
    answer = verdict_on(code, rival, siblings=4)
    assert answer.verdict == "accepted"
    assert "on 6 fresh seeds" in answer.reason


@pytest.mark.parametrize(
    ("carried", "verdict"), [((0.1, 0.1, 0.1, -0.01), "accepted"), ((0.9, 0.9, 0.0, 0.0), "rejected")]
)
def test_no_few_siblings_carry_the_gain_for_all(carried: Sequence[float], verdict: str) -> None:
    candidate, incumbent = confirmed(0.1)
    code = on_siblings(replace(candidate, patch="a diff"), 0.05, FURTHER.pairs // 2, siblings=4)
    rival = on_siblings(incumbent, 0.05, FURTHER.rivals, siblings=4)
    assert verdict_on(shifted(code, [*carried] * (FURTHER.pairs // 8)), rival, siblings=4).verdict == verdict


@pytest.mark.parametrize(("there", "carried", "enough"), [(0.5, 0.08, True), (0.5, 0.02, False), (0.96, 0.03, True)])
def test_siblings_show_a_tenth_of_the_gain_or_of_what_they_leave(there: float, carried: float, enough: bool) -> None:
    candidate, incumbent = confirmed(0.4)
    code = on_siblings(replace(candidate, patch="a diff"), there + carried, FURTHER.pairs // 2)
    rival = on_siblings(incumbent, there, FURTHER.rivals)
    assert (verdict_on(code, rival, siblings=2).verdict == "accepted") == enough


def test_how_hard_siblings_are_is_no_noise_of_the_gain_on_them() -> None:
    candidate, incumbent = confirmed(0.1)
    code = on_siblings(replace(candidate, patch="a diff"), 0.03, LAST // 2, siblings=4)
    rival = on_siblings(incumbent, 0.0, LAST, siblings=4)
    code, rival = (shifted(e, [0.3, 0.5, 0.7, 0.9] * (len(e.sibling_trials) // 4)) for e in (code, rival))
    assert verdict_on(code, rival, siblings=4).verdict == "accepted"


def test_an_incumbent_that_is_noisy_on_siblings_hides_no_gain() -> None:
    """The levels are those of a real campaign, which rejected this gain: the noise of its pairs was the incumbent's."""
    candidate, incumbent = confirmed(0.1)
    code = on_siblings(replace(candidate, patch="a diff"), 0.0, LAST // 2, siblings=4)
    rival = on_siblings(incumbent, 0.0, LAST, siblings=4)
    code = shifted(code, [0.79, 0.90, 0.91, 0.72, 0.77, 0.89, 0.90, 0.65] * (LAST // 16))
    rival = shifted(rival, [0.67, 0.81, 0.89, 0.66, 0.84, 0.68, 0.89, 0.75] * (LAST // 8))
    assert verdict_on(code, rival, siblings=4).verdict == "accepted"


def test_the_half_that_has_shown_the_gain_gets_no_further_trials_and_noisy_siblings_get_more() -> None:
    """The scores on siblings are those of a real campaign: a gain of 0.03 on each network."""
    ours = """
        0.859 0.848 0.929 0.796  0.750 0.898 0.921 0.841  0.730 0.880 0.906 0.681
        0.860 0.874 0.923 0.753  0.831 0.898 0.921 0.805  0.776 0.881 0.909 0.788"""
    theirs = """
        0.797 0.883 0.879 0.791  0.820 0.882 0.879 0.742  0.767 0.881 0.897 0.788  0.762 0.886 0.905 0.752
        0.741 0.868 0.903 0.712  0.716 0.890 0.897 0.772  0.697 0.864 0.879 0.666  0.753 0.844 0.891 0.736
        0.749 0.876 0.903 0.777  0.732 0.889 0.877 0.752  0.695 0.882 0.891 0.738  0.747 0.877 0.905 0.727"""
    candidate, incumbent = confirmed(0.05, FIRST)
    code = replace(candidate, patch="a diff")

    def there(experiment: Experiment, trials: int, scores: str, times: int) -> Experiment:
        return shifted(on_siblings(experiment, 0.0, times * trials, 4), [*map(float, scores.split())] * times)

    wanted = wanted_of(there(code, THIRD // 2, ours, 1), there(incumbent, THIRD, theirs, 1), siblings=4)
    assert all(key.sibling for key in wanted.trials)
    verdict = verdict_on(there(code, THIRD // 2, ours, 2), there(incumbent, THIRD, theirs, 2), siblings=4)
    assert verdict.verdict == "accepted"
    assert "on 6 fresh seeds" in verdict.reason


def test_a_gain_that_is_shown_on_its_own_network_is_looked_at_on_siblings_while_it_can_be_there() -> None:
    """The scores are those of a real campaign, which rejected nine such gains: a sibling has two kinds of outcomes."""
    ours = """
        0.979 0.996 0.834 0.950  0.967 0.984 0.949 0.653  0.977 0.978 0.895 0.946  0.983 0.962 0.931 0.942"""
    theirs = """
        0.907 0.939 0.909 0.641  0.928 0.927 0.939 0.856  0.888 0.939 0.927 0.833  0.934 0.970 0.909 0.775
        0.919 0.927 0.923 0.827  0.847 0.945 0.923 0.876  0.928 0.939 0.921 0.851  0.888 0.947 0.915 0.845
        0.911 0.917 0.925 0.872  0.934 0.925 0.925 0.792  0.876 0.939 0.909 0.649  0.874 0.968 0.941 0.907"""
    candidate, incumbent = confirmed(0.07, SECOND)
    code = shifted(on_siblings(replace(candidate, patch="a diff"), 0.0, SECOND // 2, 4), [*map(float, ours.split())])
    rival = shifted(on_siblings(incumbent, 0.0, 48, 4), [*map(float, theirs.split())])
    wanted = wanted_of(code, rival, siblings=4)
    assert all(key.sibling for key in wanted.trials)
    assert sum(key.experiment == code.id for key in wanted.trials) == THIRD // 2 - SECOND // 2
    harmed = shifted(code, [-0.05] * (SECOND // 2))
    assert verdict_on(harmed, rival, siblings=4).verdict == "rejected"


@pytest.mark.parametrize("left", [(1, 2, 4), (4,), ()])
def test_a_confirmation_that_waits_for_a_sibling_goes_on_without_it(left: Sequence[int]) -> None:
    code, incumbent = confirmed(0.1, FIRST)
    code = on_siblings(replace(code, patch="a diff"), 0.8, FIRST // 2, siblings=4)
    incumbent = on_siblings(incumbent, 0.7, FIRST // 2, siblings=4)
    code, incumbent = (
        replace(e, sibling_trials=tuple(t for t in e.sibling_trials if t.sibling != 3)) for e in (code, incumbent)
    )
    answer = judge(code, incumbent, Evidence([incumbent, code], (FIDELITY,)), siblings=left)
    if isinstance(answer, Wanted):
        assert {key.sibling for key in answer.trials} <= set(left)
        code, incumbent = measured(code, 0.8, answer.trials), measured(incumbent, 0.7, answer.trials)
        answer = judge(code, incumbent, Evidence([incumbent, code], (FIDELITY,)), siblings=left)
    assert isinstance(answer, Verdict)
    assert answer.verdict == "accepted"
    assert ("on sibling networks" in answer.reason) == bool(left)

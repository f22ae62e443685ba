"""Acceptance as examples; `test_error_rates.py` counts how often it errs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from agent.analyzer.judging.acceptance import Wanted, judge, judge_baseline
from agent.analyzer.judging.confirmation import ALPHA, LOOKS, level_of
from agent.analyzer.judging.noise import Evidence
from agent.analyzer.judging.seeds import BASELINE_SEEDS, confirm_seeds, screen_seeds
from memory.records import Verdict
from tests.agent.analyzer.judging.hearings import (
    FIRST,
    FRESH,
    SECOND,
    answer_to,
    around,
    baseline,
    confirmed,
    verdict_on,
    wanted_of,
)
from tests.agent.experiments import FIDELITY, failed, scored


def test_the_baseline_is_measured_on_several_seeds_at_every_fidelity_first() -> None:
    answer = judge_baseline(scored("e0001", [0.2, 0.3]), (FIDELITY, "full"))
    assert isinstance(answer, Wanted)
    assert answer.stage == "baseline"
    assert answer.trials == (
        *(("e0001", seed, FIDELITY, 0) for seed in (2, 3)),
        *(("e0001", seed, "full", 0) for seed in BASELINE_SEEDS),
    )
    verdict = judge_baseline(scored("e0001", [0.2, 0.3, 0.25, 0.22]), (FIDELITY,))
    assert isinstance(verdict, Verdict)
    assert verdict.verdict == "accepted"


def test_a_baseline_that_leaves_nothing_to_gain_is_measured_on_as_many_seeds_as_an_end_takes() -> None:
    answer = judge_baseline(scored("e0001", [1.0] * 4), (FIDELITY,))
    assert isinstance(answer, Wanted)
    assert [key.seed for key in answer.trials] == list(range(4, 16))


def test_seeds_change_with_the_incumbent_and_no_two_sets_overlap() -> None:
    names = [f"e{number:04d}" for number in range(1, 200)]
    seeds = [s for name in names for s in (*screen_seeds(name, 8), *confirm_seeds(name, LOOKS[-1].rivals))]
    assert len(set(seeds)) == len(seeds)


def test_all_challengers_start_on_the_same_seeds_of_the_incumbent() -> None:
    wanted = wanted_of(scored("e0007"), baseline())
    assert wanted.trials == (("e0007", 0, FIDELITY, 0), ("e0007", 1, FIDELITY, 0))
    assert (wanted.stage, wanted.lead) == ("screen", None)
    assert [key[:2] for key in wanted.ahead] == [("e0007", 2), ("e0007", 3), *(("e0001", seed) for seed in range(4, 8))]
    newer = scored("e0005", around(0.5, FRESH[:12]), verdict=Verdict("accepted", "", "e0001", number=2))
    # Planners compare the two on equal seeds, so the incumbent needs them even if its mean is known well.
    both = [(name, seed) for name in ("e0005", "e0007") for seed in (4000, 4001)]
    assert [key[:2] for key in wanted_of(scored("e0007"), newer).trials] == both


def test_the_hopeless_is_dropped_after_one_seed_and_the_verdict_says_what_was_needed() -> None:
    verdict = verdict_on(scored("e0007", [0.2]), baseline())
    assert verdict.verdict == "rejected"
    told = "screened out at probe on 1 seed: 0.2000 against 0.3000 of e0001, -0.1000; a lag of less than "
    assert re.fullmatch(rf"{re.escape(told)}0\.\d{{4}} was allowed", verdict.reason)
    assert verdict.p_value is None


def test_a_near_miss_gets_further_seeds_up_to_a_cap() -> None:
    near = wanted_of(scored("e0007", around(0.306, (0, 1))), baseline())
    assert [key.seed for key in near.trials if key.experiment == "e0007"] == [2, 3]
    assert near.lead == pytest.approx(0.006)
    capped = verdict_on(scored("e0007", around(0.301, tuple(range(8)))), baseline())
    assert capped.reason.startswith("screened out at probe on 8 seeds: ")


@pytest.mark.parametrize("luck", [{0: 0.9}, dict.fromkeys(range(8), 0.9), {0: 0.1}, dict.fromkeys(range(8), 0.1)])
def test_an_incumbent_is_known_by_its_mean_and_not_by_the_seeds_that_it_was_screened_on(luck: dict[int, float]) -> None:
    """Its luck on the baseline's seeds, from 0 on, is no hurdle for others and no help."""
    lucky = scored("e0005", luck | around(0.5, FRESH[:12]), verdict=Verdict("accepted", "", "e0001", number=2))
    wanted = wanted_of(scored("e0007", around(0.6, (4000, 4001))), lucky)
    assert wanted.stage == "confirm"
    assert verdict_on(scored("e0008", around(0.4, (4000, 4001))), lucky).reason.startswith("screened out at probe")


def test_what_another_incumbent_screened_need_not_be_screened_anew() -> None:
    newer = scored("e0005", around(0.5, FRESH[:12]), verdict=Verdict("accepted", "", "e0001", number=2))
    assert wanted_of(scored("e0007", around(0.6, (0, 1))), newer).stage == "confirm"


def test_it_climbs_one_fidelity_after_the_other() -> None:
    evidence = Evidence([baseline(), scored("e0007")], (FIDELITY, "full"))
    climbed = judge(scored("e0007", around(0.4, (0, 1))), baseline(), evidence)
    assert isinstance(climbed, Wanted)
    assert {(key.experiment, key.fidelity) for key in climbed.trials} == {("e0007", "full"), ("e0001", "full")}


def test_a_lead_asks_for_fresh_pairs_and_for_those_of_the_next_look_ahead() -> None:
    wanted = wanted_of(scored("e0007", around(0.4, (0, 1))), baseline())
    assert wanted.stage == "confirm"
    assert wanted.lead == pytest.approx(0.1)
    seeds = {name: {key.seed for key in wanted.trials if key.experiment == name} for name in ("e0007", "e0001")}
    assert seeds["e0007"] == seeds["e0001"] == set(FRESH[:FIRST])
    assert {key.seed for key in wanted.ahead if key.experiment == "e0007"} == set(FRESH[FIRST:SECOND])


def test_the_incumbents_trials_serve_all_of_its_challengers() -> None:
    wanted = wanted_of(scored("e0007", around(0.4, (0, 1))), baseline(fresh=FIRST))
    assert {key.experiment for key in wanted.trials} == {"e0007"}


def test_a_real_gain_is_accepted_with_its_interval() -> None:
    verdict = verdict_on(*confirmed(0.05, FIRST))
    assert verdict.verdict == "accepted"
    assert verdict.reason.startswith("better than e0001 on 12 fresh seeds: +0.0500, p = ")
    assert "below the level 0.0022 of test 1" in verdict.reason
    assert verdict.interval is not None
    assert 0.0 < verdict.interval[0] < 0.05 < verdict.interval[1]


def test_a_small_gain_is_not_accepted_on_few_pairs_however_quiet_they_are() -> None:
    """A candidate that fails on a fifth of its seeds looks quiet and better on 12 seeds in 7 % of cases."""
    assert isinstance(answer_to(*confirmed(0.015, FIRST)), Wanted)
    assert verdict_on(*confirmed(0.015, SECOND)).verdict == "accepted"


def test_luck_in_the_screening_does_not_help_on_fresh_seeds() -> None:
    verdict = verdict_on(*confirmed(0.0, FIRST))
    assert verdict.verdict == "rejected"
    assert verdict.p_value == pytest.approx(0.5, abs=0.05)
    assert "not shown to be better than e0001 on 12 fresh seeds: " in verdict.reason
    assert "where 0.3 was needed to go on, 0.0022 to be accepted, in test 1" in verdict.reason


def test_a_rejection_after_a_confirmation_says_which_lead_would_have_been_enough() -> None:
    rejected = verdict_on(*confirmed(0.0, FIRST))
    told = re.search(r"; a lead of more than (0\.\d{4}) would have been enough$", rejected.reason)
    assert told is not None
    enough = float(told[1])
    assert verdict_on(*confirmed(enough + 0.001, FIRST)).verdict == "accepted"
    assert isinstance(answer_to(*confirmed(enough - 0.001, FIRST)), Wanted)


def test_each_further_test_against_one_incumbent_is_held_to_a_stricter_level() -> None:
    assert sum(level_of(count) for count in range(1, 100_000)) <= ALPHA
    candidate, incumbent = confirmed(0.05, FIRST)
    earlier = [scored(f"e{number:04d}", {FRESH[0]: 0.3}) for number in range(2, 6)]
    early = [replace(e, trials=(replace(e.trials[0], finished_at=-1.0),)) for e in earlier]
    assert "of test 5" in verdict_on(candidate, incumbent, *early).reason


def test_noise_of_its_own_and_luck_on_some_seeds_are_no_gain() -> None:
    rough = {seed: 0.3 + (0.9 if index % 6 == 0 else -0.15) * 0.6 for index, seed in enumerate(FRESH[:FIRST])}
    assert verdict_on(*confirmed(0.0, FIRST, rough)).verdict == "rejected"


def test_a_failure_on_the_first_seeds_fails_the_experiment_with_the_reason() -> None:
    for status in ("crashed", "timed_out", "non_finite", "invalid"):
        verdict = verdict_on(failed("e0007", status, "the reason"), baseline())
        assert verdict.verdict == "failed"
        assert status.replace("_", " ") in verdict.reason
        assert "the reason" in verdict.reason


@pytest.mark.parametrize(("failures", "verdict"), [(3, "rejected"), (4, "failed")])
def test_a_failure_on_fresh_seeds_counts_as_a_score_of_0_and_too_many_fail_it(failures: int, verdict: str) -> None:
    candidate, incumbent = confirmed(0.05, FIRST)
    broken = set(FRESH[:failures])
    trials = [replace(t, status="crashed", scores={}) if t.seed in broken else t for t in candidate.trials]
    answer = verdict_on(replace(candidate, trials=tuple(trials)), incumbent)
    assert answer.verdict == verdict
    words = "4 of 12 fresh trainings did not complete; at most 25 % may fail: crashed in e0007/s"
    assert answer.reason.startswith(words if verdict == "failed" else "not shown to be better than e0001 on 12 fresh")


def test_a_broken_trial_of_the_incumbents_is_no_gain_of_the_candidates() -> None:
    candidate, incumbent = confirmed(0.0, FIRST)
    trials = [replace(t, status="timed_out", scores={}) if t.seed in FRESH[1:] else t for t in incumbent.trials]
    answer = verdict_on(candidate, replace(incumbent, trials=tuple(trials)))
    assert answer.reason == "the incumbent, e0001, completed only 1 of 12 fresh seeds, too few to compare"


def test_failures_in_trials_that_ran_ahead_of_a_look_are_left_to_the_next() -> None:
    candidate, incumbent = confirmed(0.1, FIRST)
    later = scored("e0007", around(0.4, FRESH[FIRST : FIRST + 6])).trials
    ahead = [replace(t, status="crashed", scores={}) for t in later]
    assert verdict_on(replace(candidate, trials=(*candidate.trials, *ahead)), incumbent).verdict == "accepted"


def test_fewer_lines_of_code_win_ties_and_only_ties() -> None:
    tie = confirmed(0.001)
    assert verdict_on(*tie).verdict == "rejected"
    accepted = verdict_on(*tie, simpler=1)
    assert accepted.verdict == "accepted"
    assert "simpler, and not worse than e0001 by" in accepted.reason
    assert verdict_on(*confirmed(-0.002), simpler=1).verdict == "rejected"
    screened = verdict_on(scored("e0007", [0.1]), baseline(), simpler=1)
    assert re.search(r"a lag of less than 0\.\d{4} was allowed to simpler code$", screened.reason)


def test_the_confirmation_of_fewer_lines_is_worth_less_than_any_other() -> None:
    tied = wanted_of(scored("e0007", around(0.3, tuple(range(8)))), baseline(), simpler=1)
    assert tied.stage == "confirm"
    assert tied.lead is not None
    assert tied.lead < -0.5


def test_a_verdict_tells_the_cost_of_a_trial_that_takes_much_longer_than_the_parents() -> None:
    slow = scored("e0007", [0.1])
    slow = replace(slow, trials=tuple(replace(t, seconds=1.6) for t in slow.trials))
    assert verdict_on(slow, baseline()).reason.endswith("; 1.6 s a trial where its parent, e0001, takes 1 s")
    assert "a trial" not in verdict_on(scored("e0007", [0.1]), baseline()).reason

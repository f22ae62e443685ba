"""Acceptance as examples, and simulated campaigns that count how often it errs."""

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.analyzer.judging.acceptance import (
    ALPHA,
    BASELINE_SEEDS,
    LOOKS,
    Wanted,
    ceiling,
    confirm_seeds,
    confirmations,
    judge,
    judge_baseline,
    level_of,
)
from agent.analyzer.judging.noise import Noise, measure_noise
from memory.records import Experiment, TrialKey, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

NOISE = {FIDELITY: Noise(0.01, 12)}


def verdict_on(
    candidate: Experiment, incumbent: Experiment, confirmed: int = 0, *, sigma: float = 0.01, simpler: bool = False
) -> Verdict:
    answer = judge(candidate, incumbent, {FIDELITY: Noise(sigma, 12)}, confirmed, simpler=simpler)
    assert isinstance(answer, Verdict)
    return answer


def wanted_of(candidate: Experiment, incumbent: Experiment) -> Wanted:
    answer = judge(candidate, incumbent, NOISE, 0)
    assert isinstance(answer, Wanted)
    return answer


def confirmed_pair(gain: float, spread: float = 0.0, looks: int = 4) -> tuple[Experiment, Experiment]:
    """Return a candidate that climbed and is better by `gain` on its fresh seeds."""
    fresh = confirm_seeds("e0007")[: LOOKS[looks - 1]]
    wobble = {seed: spread * (-1) ** index for index, seed in enumerate(fresh)}
    candidate = scored("e0007", {0: 0.5, **{seed: 0.3 + gain + wobble[seed] for seed in fresh}})
    return candidate, scored("e0001", {0: 0.3, **dict.fromkeys(fresh, 0.3)})


def test_the_baseline_is_measured_on_several_seeds_at_every_fidelity_first() -> None:
    answer = judge_baseline(scored("e0001", [0.2, 0.3]), (FIDELITY, "full"))
    assert isinstance(answer, Wanted)
    assert answer.trials == (
        *(TrialKey("e0001", seed, FIDELITY) for seed in (2, 3)),
        *(TrialKey("e0001", seed, "full") for seed in BASELINE_SEEDS),
    )
    verdict = judge_baseline(scored("e0001", [0.2] * len(BASELINE_SEEDS)), (FIDELITY,))
    assert isinstance(verdict, Verdict)
    assert verdict.verdict == "accepted"


def test_noise_pools_what_was_accepted_and_leaves_the_unsteady_out() -> None:
    accepted = Verdict("accepted", "")
    first, second = scored("e0001", [0.1, 0.3], verdict=accepted), scored("e0002", [0.5, 0.5, 0.8], verdict=accepted)
    unsteady = scored("e0003", [0.0, 0.9], verdict=Verdict("rejected", ""))
    noise = measure_noise([first, unsteady, second, scored("e0004", [0.4], verdict=accepted)], FIDELITY)
    assert noise.degrees == 3
    assert noise.sigma == pytest.approx(math.sqrt((0.02 + 0.06) / 3))


def test_a_candidate_first_needs_the_shared_seed() -> None:
    assert wanted_of(scored("e0007"), scored("e0001", [0.3])) == Wanted((TrialKey("e0007", 0, FIDELITY),))


def test_a_lead_within_the_noise_is_screened_out() -> None:
    answer = verdict_on(scored("e0007", [0.3 + 0.0099]), scored("e0001", [0.3]))
    assert (answer.verdict, answer.p_value) == ("rejected", None)
    assert answer.reason == (
        "screened out at probe on seed 0: 0.3099 against 0.3000 of e0001, +0.0099; "
        "a lead of more than 0.0100, the noise, is needed"
    )


def test_a_verdict_names_its_rival_and_the_rule_of_fewer_lines() -> None:
    screened = verdict_on(scored("e0007", [0.1]), scored("e0005", [0.38]), simpler=True)
    assert screened.reason == (
        "screened out at probe on seed 0: 0.1000 against 0.3800 of e0005, -0.2800; "
        "code with fewer lines may be worse by at most 0.0141"
    )
    better, equal = verdict_on(*confirmed_pair(0.05)).reason, verdict_on(*confirmed_pair(0.0)).reason
    assert better.startswith("better than e0001 on 2 fresh seeds: +0.0500, p = ")
    assert equal.startswith("not shown to be better than e0001 on 4 fresh seeds: ")
    missing = verdict_on(scored("e0007", [0.1]), failed("e0005", "timed_out", "stopped at its limit"))
    assert missing.reason == "the incumbent, e0005, did not complete seed 0 at probe"


def test_it_climbs_one_fidelity_after_the_other() -> None:
    noise = {"probe": Noise(0.01, 12), "full": Noise(0.02, 12)}
    climbed = judge(scored("e0007", [0.4]), scored("e0001", [0.3]), noise, 0)
    assert climbed == Wanted((TrialKey("e0007", 0, "full"), TrialKey("e0001", 0, "full")))
    assert isinstance(judge(scored("e0007", [0.3]), scored("e0001", [0.3]), noise, 0), Verdict)


def test_a_lead_at_the_top_asks_for_fresh_paired_seeds() -> None:
    wanted = wanted_of(scored("e0007", [0.4]), scored("e0001", [0.3, 0.3]))
    assert wanted.lead == pytest.approx(0.1)
    seeds = {name: {seed for who, seed, *_ in wanted.trials if who == name} for name in ("e0007", "e0001")}
    assert seeds["e0007"] == seeds["e0001"] == set(confirm_seeds("e0007")[: LOOKS[0]])
    assert seeds["e0007"].isdisjoint(BASELINE_SEEDS)


def test_what_is_promising_but_not_settled_asks_for_more_seeds() -> None:
    wanted = wanted_of(*confirmed_pair(0.012, looks=1))
    assert len(wanted.trials) == 2 * (LOOKS[1] - LOOKS[0])
    assert verdict_on(*confirmed_pair(0.012)).verdict == "accepted"


def test_fresh_seeds_belong_to_one_experiment_alone() -> None:
    seeds = [seed for number in range(1, 200) for seed in confirm_seeds(f"e{number:04d}")]
    assert len(set(seeds)) == len(seeds)
    assert set(BASELINE_SEEDS).isdisjoint(seeds)


def test_a_real_gain_is_accepted_with_its_interval() -> None:
    answer = verdict_on(*confirmed_pair(0.05, looks=2))
    assert answer.verdict == "accepted"
    assert answer.effect == pytest.approx(0.05)
    assert answer.interval is not None
    low, high = answer.interval
    assert 0.0 < low < 0.05 < high


def test_luck_on_the_climb_does_not_help_on_fresh_seeds() -> None:
    answer = verdict_on(*confirmed_pair(0.0))
    assert answer.verdict == "rejected"
    assert answer.p_value == pytest.approx(0.5)


def test_each_further_test_against_one_incumbent_is_held_to_a_stricter_level() -> None:
    pair = confirmed_pair(0.012)
    assert verdict_on(*pair).verdict == "accepted"
    assert verdict_on(*pair, confirmed=20).verdict == "rejected"
    assert sum(level_of(count) for count in range(1, 100_000)) <= ALPHA


def test_confirmations_are_counted_against_the_incumbent_that_they_met() -> None:
    incumbent = scored("e0005", verdict=Verdict("accepted", "", "e0001", p_value=0.001))
    met = [Verdict("rejected", "", "e0005", p_value=0.4), Verdict("rejected", "screened", "e0005")]
    others = [scored(f"e{number:04d}", verdict=verdict) for number, verdict in enumerate(met, start=6)]
    assert confirmations([incumbent, *others], incumbent) == 1


def test_differences_that_spread_more_than_the_noise_are_trusted_less() -> None:
    calm, wild = verdict_on(*confirmed_pair(0.05)), verdict_on(*confirmed_pair(0.05, spread=0.3))
    assert calm.verdict == "accepted"
    assert wild.verdict == "rejected"


def test_simpler_code_wins_ties_and_only_ties() -> None:
    tie, worse = confirmed_pair(0.0), confirmed_pair(-0.01)
    tie = (replace(tie[0], trials=tie[0].trials[1:] + scored("e0007", [0.3]).trials), tie[1])
    assert verdict_on(*tie).verdict == "rejected"
    assert verdict_on(*tie, simpler=True).verdict == "accepted"
    assert "fewer lines" in verdict_on(*tie, simpler=True).reason
    assert verdict_on(*worse, simpler=True).verdict == "rejected"


def test_where_no_candidate_could_climb_the_end_is_reached() -> None:
    assert ceiling(scored("e0001", {0: 0.98}), NOISE) is None
    assert ceiling(scored("e0001", {0: 0.995}), NOISE) == 0.01
    assert ceiling(scored("e0001", {5: 0.995}), NOISE) is None
    best = judge(scored("e0007", {0: 1.0}), scored("e0001", {0: 0.995}), NOISE, 0)
    assert isinstance(best, Verdict)
    assert best.verdict == "rejected"


@pytest.mark.parametrize("completed", [0, 2])
def test_a_broken_trial_of_the_incumbents_is_no_gain_of_the_candidates(completed: int) -> None:
    candidate, incumbent = confirmed_pair(0.0)
    trials = [
        trial if trial.seed == 0 or index <= completed else replace(trial, status="timed_out", scores={})
        for index, trial in enumerate(incumbent.trials)
    ]
    incumbent = replace(incumbent, trials=tuple(trials), verdict=Verdict("accepted", ""))
    assert verdict_on(candidate, incumbent).verdict == "rejected"
    assert measure_noise([incumbent], FIDELITY).sigma < 1e-9


@pytest.mark.parametrize("status", ["crashed", "timed_out", "non_finite", "invalid"])
def test_a_trial_that_does_not_complete_fails_its_experiment_with_the_reason(status: str) -> None:
    answer = verdict_on(failed("e0007", status, "the reason"), scored("e0001", [0.3]))
    assert answer.verdict == "failed"
    assert status.replace("_", " ") in answer.reason
    assert "the reason" in answer.reason


class Simulation:
    """A campaign as the loop judges it, with normal scores in place of trainings: noise, climbing, looks and all."""

    def __init__(self, rng: np.random.Generator, fidelities: tuple[str, ...]) -> None:
        self.rng, self.sigma, self.fidelities = rng, 0.02, fidelities
        self.baseline = self._measured(
            scored("e0001", block=0), 0.3, [("e0001", seed, f) for f in fidelities for seed in BASELINE_SEEDS]
        )
        self.baseline = replace(self.baseline, verdict=Verdict("accepted", ""))
        self.confirmed = 0

    def verdict_on_a_candidate(self, number: int, gain: float) -> Verdict:
        """Judge another candidate whose true score is the incumbent's plus `gain` standard deviations."""
        candidate = scored(f"e{number:04d}")
        noise = {fidelity: measure_noise([self.baseline], fidelity) for fidelity in self.fidelities}
        while isinstance(answer := judge(candidate, self.baseline, noise, self.confirmed), Wanted):
            candidate = self._measured(candidate, 0.3 + gain * self.sigma, answer.trials)
            self.baseline = self._measured(self.baseline, 0.3, answer.trials)
            noise = {fidelity: measure_noise([self.baseline], fidelity) for fidelity in self.fidelities}
        self.confirmed += answer.p_value is not None
        return answer

    def _measured(self, e: Experiment, mean: float, trials: object) -> Experiment:
        assert isinstance(trials, (list, tuple))
        new = []
        for name, seed, fidelity, *_ in trials:
            if name == e.id:
                trial = scored(e.id, {seed: self.rng.normal(mean, self.sigma)}).trials[0]
                new.append(replace(trial, fidelity=fidelity))
        return replace(e, trials=(*e.trials, *new))


@pytest.mark.parametrize("fidelities", [("probe",), ("probe", "half", "full")], ids=["probe", "all fidelities"])
def test_a_thousand_campaigns_of_equal_candidates_rarely_accept_any(fidelities: tuple[str, ...]) -> None:
    """30 candidates each, none better than the baseline: at most 5 % of campaigns may accept one."""
    rng = np.random.default_rng(0)
    campaigns, false = 1000, 0
    for _ in range(campaigns):
        simulation = Simulation(rng, fidelities)
        false += any(
            simulation.verdict_on_a_candidate(number, gain=0.0).verdict == "accepted" for number in range(2, 32)
        )
    print(f"\n{false} of {campaigns} campaigns accepted a false improvement")
    assert false <= ALPHA * campaigns


@pytest.mark.parametrize(
    ("gain", "fidelities", "least"),
    [(1.0, ("probe",), 0.2), (2.0, ("probe",), 0.6), (4.0, ("probe", "half", "full"), 0.9)],
)
def test_real_gains_are_found(gain: float, fidelities: tuple[str, ...], least: float) -> None:
    """The first candidate of a campaign, better by `gain` standard deviations of the noise."""
    rng = np.random.default_rng(1)
    found = [Simulation(rng, fidelities).verdict_on_a_candidate(2, gain).verdict == "accepted" for _ in range(400)]
    print(f"\ngains of {gain} sigma over {len(fidelities)} fidelities are found in {np.mean(found):.3f} of campaigns")
    assert np.mean(found) > least

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.analyzer.acceptance import (
    ALPHA,
    BASELINE_SEEDS,
    CONFIRM_SEEDS,
    Noise,
    confirm_seeds,
    judge,
    judge_baseline,
    measure_noise,
)
from memory.records import Experiment, Verdict
from tests.agent.experiments import FIDELITY, failed, scored

NOISE = Noise(0.01, 12)


def verdict_on(candidate: Experiment, incumbent: Experiment, confirmed: int = 0, noise: Noise = NOISE) -> Verdict:
    answer = judge(candidate, incumbent, noise, confirmed, FIDELITY)
    assert isinstance(answer, Verdict)
    return answer


def confirmed_pair(gain: float, spread: float = 0.0) -> tuple[Experiment, Experiment]:
    """A candidate that passed the screen, and is better by `gain` on its fresh seeds."""
    fresh = confirm_seeds("e0007")
    wobble = dict(zip(fresh, np.linspace(-spread, spread, len(fresh)), strict=True))
    candidate = scored("e0007", {0: 0.5, **{seed: 0.3 + gain + wobble[seed] for seed in fresh}})
    return candidate, scored("e0001", {0: 0.3, **dict.fromkeys(fresh, 0.3)})


def test_the_baseline_is_measured_on_several_seeds_first() -> None:
    assert judge_baseline(scored("e0001", [0.2, 0.3]), FIDELITY) == (("e0001", 2), ("e0001", 3))
    answer = judge_baseline(scored("e0001", [0.2] * len(BASELINE_SEEDS)), FIDELITY)
    assert isinstance(answer, Verdict)
    assert answer.verdict == "accepted"


def test_noise_pools_what_was_accepted_and_leaves_the_unsteady_out() -> None:
    accepted = Verdict("accepted", "")
    first, second = scored("e0001", [0.1, 0.3], verdict=accepted), scored("e0002", [0.5, 0.5, 0.8], verdict=accepted)
    unsteady = scored("e0003", [0.0, 0.9], verdict=Verdict("rejected", ""))
    noise = measure_noise([first, unsteady, second, scored("e0004", [0.4], verdict=accepted)], FIDELITY)
    assert noise.degrees == 3
    assert noise.sigma == pytest.approx(math.sqrt((0.02 + 0.06) / 3))


def test_a_candidate_first_needs_the_shared_seed() -> None:
    assert judge(scored("e0007"), scored("e0001", [0.3]), NOISE, 0, FIDELITY) == (("e0007", 0),)


def test_a_lead_within_the_noise_is_screened_out() -> None:
    answer = verdict_on(scored("e0007", [0.3 + 0.014]), scored("e0001", [0.3]))
    assert (answer.verdict, answer.p_value) == ("rejected", None)
    assert "screened out" in answer.reason


def test_a_lead_beyond_the_noise_asks_for_fresh_paired_seeds() -> None:
    wanted = judge(scored("e0007", [0.4]), scored("e0001", [0.3, 0.3]), NOISE, 0, FIDELITY)
    assert not isinstance(wanted, Verdict)
    assert len(wanted) == 2 * CONFIRM_SEEDS
    assert {seed for _, seed in wanted}.isdisjoint({0, 1, 2, 3})
    assert {seed for name, seed in wanted if name == "e0007"} == {seed for name, seed in wanted if name == "e0001"}


def test_fresh_seeds_belong_to_one_experiment_alone() -> None:
    seeds = [seed for number in range(1, 200) for seed in confirm_seeds(f"e{number:04d}")]
    assert len(set(seeds)) == len(seeds)
    assert set(BASELINE_SEEDS).isdisjoint(seeds)


def test_a_real_gain_is_accepted_with_its_interval() -> None:
    answer = verdict_on(*confirmed_pair(0.05))
    assert answer.verdict == "accepted"
    assert answer.effect == pytest.approx(0.05)
    assert answer.interval is not None
    low, high = answer.interval
    assert 0.0 < low < 0.05 < high


def test_luck_on_the_screen_does_not_help_on_fresh_seeds() -> None:
    answer = verdict_on(*confirmed_pair(0.0))
    assert answer.verdict == "rejected"
    assert answer.p_value == pytest.approx(0.5)


def test_each_further_test_is_held_to_a_stricter_level() -> None:
    pair = confirmed_pair(0.016)
    assert verdict_on(*pair).verdict == "accepted"
    assert verdict_on(*pair, confirmed=9).verdict == "rejected"
    assert sum(ALPHA * 6 / (math.pi * k) ** 2 for k in range(1, 100_000)) <= ALPHA


def test_differences_that_spread_more_than_the_noise_are_trusted_less() -> None:
    calm, wild = verdict_on(*confirmed_pair(0.05)), verdict_on(*confirmed_pair(0.05, spread=0.1))
    assert calm.verdict == "accepted"
    assert wild.verdict == "rejected"


@pytest.mark.parametrize("completed", [0, 3])
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


def test_equal_candidates_are_rarely_accepted() -> None:
    """200 campaigns of 40 candidates, all equal to the incumbent: by the level at most 5 % accept any."""
    rng = np.random.default_rng(0)
    sigma, false_campaigns = 0.02, 0
    for _ in range(200):
        confirmed = 0
        for number in range(2, 42):
            name = f"e{number:04d}"
            incumbent = scored("e0001", {0: 0.3 + rng.normal(0, sigma)})
            candidate = scored(name, {0: 0.3 + rng.normal(0, sigma)})
            answer = judge(candidate, incumbent, Noise(sigma, 20), confirmed, FIDELITY)
            if isinstance(answer, Verdict):
                continue
            draws = {seed: rng.normal(0.3, sigma, 2) for seed in confirm_seeds(name)}
            candidate = scored(name, {0: 0.9, **{seed: float(pair[0]) for seed, pair in draws.items()}})
            incumbent = scored("e0001", {0: 0.3, **{seed: float(pair[1]) for seed, pair in draws.items()}})
            if verdict_on(candidate, incumbent, confirmed, Noise(sigma, 20)).verdict == "accepted":
                false_campaigns += 1
                break
            confirmed += 1
    assert false_campaigns <= 0.05 * 200 + 2 * math.sqrt(200 * 0.05 * 0.95)

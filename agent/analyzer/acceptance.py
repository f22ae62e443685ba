"""Is a candidate better than the incumbent, or lucky? A pure function of what has been measured.

Two stages, both paired: candidate and incumbent at the same fidelity on the same seeds.

1. Screen, on one seed that all experiments share. A candidate goes on if it beats the incumbent there by
   more than the standard error of such a difference, sqrt(2) sigma. What is selected here is flattered by
   its luck, so this score never counts towards an acceptance. (It makes the next screen stricter: an
   incumbent keeps the luck that it was screened with.)
2. Confirm, on `CONFIRM_SEEDS` fresh seeds that belong to this experiment and that no selection has seen.
   With d the mean paired difference over n seeds, t = d / se, one-sided against Student's t. The standard
   error is sqrt(2 sigma^2 / n) with the degrees of freedom of sigma, unless the differences themselves
   spread wider: then it is theirs, with n - 1 degrees. So a candidate that is good on most seeds and
   diverges on some is not taken for a steady one.

sigma is the seed-to-seed standard deviation of `exact`, pooled over the accepted experiments, the baseline
first: what is steady enough to be built upon. A campaign tests many candidates; the k-th confirmation is held
to alpha_k = alpha 6 / (pi k)^2, which sums to alpha over all k, so that by Bonferroni's inequality the chance
of any false acceptance in a campaign of equal candidates stays below alpha, however long it runs. The test
assumes that candidates are about as noisy as the incumbent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from memory.records import Experiment, Verdict, VerdictName

ALPHA = 0.05
BASELINE_SEEDS = (0, 1, 2, 3)
SCREEN_SEED = 0
CONFIRM_SEEDS = 4
MIN_PAIRS = 3


@dataclass(frozen=True)
class Noise:
    """Seed-to-seed standard deviation of `exact` and its degrees of freedom."""

    sigma: float
    degrees: int


# Trials that are needed before a verdict: pairs of experiment and seed.
Wanted = tuple[tuple[str, int], ...]


def level_of(count: int) -> float:
    """The level of the `count`-th test, 1 first: alpha 6 / (pi count)^2, which sums to alpha over all of them."""
    return ALPHA * 6.0 / (math.pi * count) ** 2


def measure_noise(experiments: Sequence[Experiment], fidelity: str) -> Noise:
    """Pool the within-experiment variances of the accepted experiments."""
    squares, degrees = 0.0, 0
    for experiment in experiments:
        if not experiment.accepted:
            continue
        scores = list(experiment.exact(fidelity).values())
        if len(scores) > 1:
            squares += float(np.var(scores)) * len(scores)
            degrees += len(scores) - 1
    return Noise(math.sqrt(squares / degrees) if degrees else 0.0, degrees)


def confirm_seeds(experiment: str) -> tuple[int, ...]:
    """Seeds that only this experiment's confirmation uses."""
    number = int(experiment.removeprefix("e"))
    return tuple(number * 1000 + index for index in range(CONFIRM_SEEDS))


def judge_baseline(baseline: Experiment, fidelity: str) -> Wanted | Verdict:
    """The baseline is accepted as it is, once it has been measured on all its seeds."""
    if failure := _failure(baseline):
        return failure
    if missing := _missing((baseline,), BASELINE_SEEDS, fidelity):
        return missing
    return Verdict("accepted", f"the baseline, measured on {len(BASELINE_SEEDS)} seeds")


def judge(
    candidate: Experiment, incumbent: Experiment, noise: Noise, confirmed: int, fidelity: str
) -> Wanted | Verdict:
    """What is still needed, or the verdict. `confirmed` counts earlier confirmations in the campaign."""
    if failure := _failure(candidate):
        return failure
    ours, theirs = candidate.exact(fidelity), incumbent.exact(fidelity)
    if missing := _missing((candidate, incumbent), (SCREEN_SEED,), fidelity):
        return missing
    lead = ours[SCREEN_SEED] - theirs[SCREEN_SEED]
    hurdle = math.sqrt(2.0) * noise.sigma
    if lead <= hurdle:
        reason = f"screened out: {lead:+.4f} on seed {SCREEN_SEED}, where noise alone gives {hurdle:.4f}"
        return Verdict("rejected", reason, incumbent.id, lead)
    fresh = confirm_seeds(candidate.id)
    if missing := _missing((candidate, incumbent), fresh, fidelity):
        return missing
    # A trial of the incumbent's that did not complete says nothing of the candidate: that pair is left out.
    differences = [ours[seed] - theirs[seed] for seed in fresh if seed in theirs]
    if len(differences) < MIN_PAIRS:
        reason = f"the incumbent completed only {len(differences)} of {len(fresh)} fresh seeds: nothing to compare with"
        return Verdict("rejected", reason, incumbent.id, lead)
    return _confirm(differences, incumbent.id, noise, confirmed + 1)


def _failure(experiment: Experiment) -> Verdict | None:
    for trial in experiment.trials:
        if trial.status != "completed":
            return Verdict("failed", f"{trial.status.replace('_', ' ')} in {trial.trial}: {trial.reason}")
    return None


def _missing(experiments: Sequence[Experiment], seeds: Sequence[int], fidelity: str) -> Wanted:
    return tuple((e.id, seed) for seed in seeds for e in experiments if seed not in e.tried(fidelity))


def _confirm(differences: Sequence[float], rival: str, noise: Noise, count: int) -> Verdict:
    n = len(differences)
    effect = float(np.mean(differences))
    own, pooled = float(np.std(differences, ddof=1)), math.sqrt(2.0) * noise.sigma
    spread, degrees = (own, n - 1) if own > pooled else (pooled, noise.degrees)
    error = spread / math.sqrt(n)
    level = level_of(count)
    p_value = float(stats.t.sf(effect / error, degrees)) if error > 0 else float(effect <= 0)
    reach = float(stats.t.ppf(0.975, degrees)) * error
    verdict: VerdictName = "accepted" if p_value < level else "rejected"
    relation = "below" if verdict == "accepted" else "not below"
    bar = f"{relation} the level {level:.2g} of test {count}"
    reason = f"confirmed on {n} fresh seeds: {effect:+.4f}, p = {p_value:.2g}, {bar}"
    return Verdict(verdict, reason, rival, effect, (effect - reach, effect + reach), p_value)


def was_confirmed(experiment: Experiment) -> bool:
    """Whether a verdict came from a confirmation, and so counts against alpha."""
    return experiment.verdict is not None and experiment.verdict.p_value is not None

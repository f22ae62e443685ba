"""Acceptance test: is a candidate better than the incumbent, or lucky? A pure function of the measurements.

Everything is paired: candidate and incumbent at the same fidelity, on the same seeds. sigma_f is the seed-to-seed
standard deviation of the score at fidelity f, pooled over the accepted experiments, the baseline included.

1. Climb. At each fidelity, from `probe` up to the campaign's own, a candidate goes on if it leads the incumbent by
   more than sigma_f on one seed that all experiments share. Selection favours lucky scores, so
   these scores never count towards an acceptance. (They make the next climb stricter: an incumbent keeps its lucky
   score.)
2. Confirm, at the campaign's fidelity, on fresh seeds that belong to this experiment and that no selection has seen,
   in up to four looks at n = 2, 4, 8 and 16 seeds. With d the mean paired difference, t = d / se, one-sided
   against Student's t. The standard error is sqrt(2 sigma^2 / n) with the degrees of freedom of sigma, unless
   the differences themselves spread wider: then it is theirs, with n - 1 degrees. So a candidate that is good on
   most seeds and diverges on some does not pass for a stable one. A look accepts if p is below its level and rejects
   if p is above its futility bound; otherwise more seeds are drawn.

The levels. The k-th confirmation against one incumbent may err with alpha_k = alpha 6 / (pi k)^2, which sums to
alpha over all k; its looks share that, the last one having half. By Bonferroni's inequality the chance that any of a
series of candidates, all equal to the incumbent, is accepted as better stays below alpha, however long the series
and its stopping point. A campaign in which all candidates are equal has one incumbent until its first false
acceptance, so the chance of any stays below alpha too. After an acceptance the count begins anew. The test assumes
that candidates are about as noisy as the incumbent; looks in between make the interval, which is that of a single look,
a little too narrow.

Simpler wins ties. A candidate whose code has fewer lines than the incumbent's need not be better: it climbs unless it
falls behind by more than sqrt(2) sigma_f, and is accepted if the same test rejects that it is worse than the
incumbent by sigma or more (non-inferiority with a margin of one standard deviation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from agent.analyzer.judging.interval import GAIN, clipped
from agent.analyzer.judging.noise import Noise
from memory.records import Experiment, TrialKey, Verdict, VerdictName, experiment_number

ALPHA = 0.05
BASELINE_SEEDS = (0, 1, 2, 3)
SCREEN_SEED = 0
LOOKS = (2, 4, 8, 16)
_SHARES = (1 / 8, 1 / 8, 1 / 4, 1 / 2)  # of the level of a confirmation, at each look
_FUTILE = (0.5, 0.25, 0.25, 0.0)
MIN_PAIRS = 2


@dataclass(frozen=True)
class Wanted:
    """Trials that are needed before a verdict.

    `lead` is None while a candidate climbs; afterwards it is the lead at the highest fidelity.
    """

    trials: tuple[TrialKey, ...]
    lead: float | None = None


def level_of(count: int) -> float:
    """Return the level of the `count`-th test, 1 first: alpha 6 / (pi count)^2, which sums to alpha over all."""
    return ALPHA * 6.0 / (math.pi * count) ** 2


def confirm_seeds(experiment: str) -> tuple[int, ...]:
    """Return the seeds reserved for this experiment's confirmation, in order of use."""
    number = experiment_number(experiment)
    return tuple(number * 1000 + index for index in range(LOOKS[-1]))


def judge_baseline(baseline: Experiment, fidelities: Sequence[str]) -> Wanted | Verdict:
    """Accept the baseline once it has been measured on all its seeds at all fidelities."""
    if failure := _failure(baseline):
        return failure
    missing = [trial for fidelity in fidelities for trial in _missing((baseline,), BASELINE_SEEDS, fidelity)]
    if missing:
        return Wanted(tuple(missing))
    return Verdict("accepted", f"the baseline, measured on {len(BASELINE_SEEDS)} seeds")


def confirmations(experiments: Sequence[Experiment], incumbent: Experiment) -> int:
    """Count the judged confirmations against this incumbent: each counts against alpha."""
    verdicts = [e.verdict for e in experiments if e.verdict is not None]
    return sum(verdict.rival == incumbent.id and verdict.p_value is not None for verdict in verdicts)


def ceiling(incumbent: Experiment, noise: Mapping[str, Noise]) -> float | None:
    """Return sigma if no candidate can lead this incumbent by more than it, otherwise None.

    `exact` and `blind` are at most 1: if the incumbent is within sigma of 1 on the shared seed, no candidate can climb.
    """
    for fidelity, known in noise.items():
        score = incumbent.scores(fidelity).get(SCREEN_SEED)
        if score is not None and 1.0 - score <= known.sigma:
            return known.sigma
    return None


def judge(
    candidate: Experiment,
    incumbent: Experiment,
    noise: Mapping[str, Noise],
    confirmed: int,
    *,
    simpler: bool = False,
) -> Wanted | Verdict:
    """Return the trials still needed, or the verdict.

    `noise` is that at each fidelity to climb, lowest first; `confirmed` counts earlier confirmations against this
    incumbent; `simpler` says that the candidate's code has fewer lines.
    """
    if failure := _failure(candidate):
        return failure
    lead = 0.0
    for fidelity, known in noise.items():
        if missing := _missing((candidate, incumbent), (SCREEN_SEED,), fidelity):
            return Wanted(missing)
        theirs = incumbent.scores(fidelity)
        if SCREEN_SEED not in theirs:
            reason = f"the incumbent, {incumbent.id}, did not complete seed {SCREEN_SEED} at {fidelity}"
            return Verdict("rejected", reason, incumbent.id)
        ours = candidate.scores(fidelity)
        lead = ours[SCREEN_SEED] - theirs[SCREEN_SEED]
        hurdle = -math.sqrt(2.0) * known.sigma if simpler else known.sigma
        if lead < hurdle if simpler else lead <= hurdle:
            pair = f"{ours[SCREEN_SEED]:.4f} against {theirs[SCREEN_SEED]:.4f} of {incumbent.id}, {lead:+z.4f}"
            reason = f"screened out at {fidelity} on seed {SCREEN_SEED}: {pair}; {_rule(hurdle, simpler=simpler)}"
            return Verdict("rejected", reason, incumbent.id, lead)
    fidelity = list(noise)[-1]
    return _confirm(candidate, incumbent, fidelity, noise[fidelity], confirmed + 1, lead, simpler=simpler)


def _rule(hurdle: float, *, simpler: bool) -> str:
    """Return the rule of the climb in words."""
    if simpler:
        return f"code with fewer lines may be worse by at most {-hurdle:.4f}"
    return f"a lead of more than {hurdle:.4f}, the noise, is needed"


def _failure(experiment: Experiment) -> Verdict | None:
    for trial in experiment.trials:
        if trial.status != "completed":
            return Verdict("failed", f"{trial.status.replace('_', ' ')} in {trial.trial}: {trial.reason}")
    return None


def _missing(experiments: Sequence[Experiment], seeds: Sequence[int], fidelity: str) -> tuple[TrialKey, ...]:
    return tuple(TrialKey(e.id, seed, fidelity) for seed in seeds for e in experiments if seed not in e.tried(fidelity))


def _confirm(
    candidate: Experiment,
    incumbent: Experiment,
    fidelity: str,
    noise: Noise,
    count: int,
    lead: float,
    *,
    simpler: bool,
) -> Wanted | Verdict:
    """Take the looks in turn, up to the first that decides or has not been measured."""
    ours, theirs = candidate.scores(fidelity), incumbent.scores(fidelity)
    for look, share, futile in zip(LOOKS, _SHARES, _FUTILE, strict=True):
        fresh = confirm_seeds(candidate.id)[:look]
        if missing := _missing((candidate, incumbent), fresh, fidelity):
            return Wanted(missing, lead)
        # A failed trial of the incumbent is no evidence about the candidate: that pair is left out.
        differences = [ours[seed] - theirs[seed] for seed in fresh if seed in theirs]
        if len(differences) < MIN_PAIRS:
            completed = f"only {len(differences)} of {len(fresh)} fresh seeds"
            reason = f"the incumbent, {incumbent.id}, completed {completed}, too few to compare"
            return Verdict("rejected", reason, incumbent.id, lead)
        verdict = _look(differences, incumbent.id, noise, share, count, simpler=simpler)
        assert verdict.p_value is not None
        if verdict.verdict == "accepted" or verdict.p_value > futile:
            return verdict
    return verdict


@dataclass(frozen=True)
class Paired:
    """A mean paired difference with its standard error and the degrees of freedom of that."""

    effect: float
    error: float
    degrees: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the effect."""
        reach = float(stats.t.ppf(0.975, self.degrees)) * self.error if self.error > 0 else 0.0
        return clipped(self.effect - reach, self.effect + reach, GAIN)


def compare(differences: Sequence[float], noise: Noise) -> Paired:
    """Summarise at least two paired differences; their spread is the pooled noise, or their own if that is wider."""
    n = len(differences)
    own, pooled = float(np.std(differences, ddof=1)), math.sqrt(2.0) * noise.sigma
    spread, degrees = (own, n - 1) if own > pooled else (pooled, noise.degrees)
    return Paired(float(np.mean(differences)), spread / math.sqrt(n), degrees)


def _look(
    differences: Sequence[float], rival: str, noise: Noise, share: float, count: int, *, simpler: bool
) -> Verdict:
    n, paired = len(differences), compare(differences, noise)
    effect, error, degrees = paired.effect, paired.error, paired.degrees
    level = share * level_of(count)
    least = -noise.sigma if simpler else 0.0
    if error > 0:
        p_value = float(stats.t.sf((effect - least) / error, degrees))
    else:  # neither seeds nor pairs differ at all
        p_value = float(effect < 0 if simpler else effect <= 0)
    verdict: VerdictName = "accepted" if p_value < level else "rejected"
    shown, relation = ("", "below") if verdict == "accepted" else ("not shown to be ", "not below")
    claim = f"with fewer lines not worse than {rival} by the noise" if simpler else f"better than {rival}"
    bar = f"{relation} the level {level:.2g} of test {count}"
    reason = f"{shown}{claim} on {n} fresh seeds: {effect:+z.4f}, p = {p_value:.2g}, {bar}"
    return Verdict(verdict, reason, rival, effect, paired.interval, p_value)

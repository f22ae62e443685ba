"""Seed-to-seed noise of scores: that of an experiment's own seeds, shrunk towards what others on its code show.

Scores are shares, whose spread shrinks near 0 and 1. Variances are therefore compared on the scale
`asin(sqrt(score))`, where the spread of a share does not depend on its mean, and carried back by the slope there.

Two or four seeds say little about a variance. With s_i^2 the variance of experiment i, of d_i degrees of freedom, the
variances around it are taken as s_0^2 d_0 / chi^2 with d_0 degrees; d_0 and s_0^2 are estimated from the mean and the
spread of log s_i^2 (G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004, section 6.2), and

    variance = (d_0 s_0^2 + d_i s_i^2) / (d_0 + d_i)

Where experiments are about as noisy as each other, d_0 is large and the noise is a common one. Where a noisy baseline
stands beside its quiet successors, d_0 is small and each has its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import digamma, polygamma

from agent.analyzer.judging.seeds import confirm_seeds
from memory.leaderboard import codes_of, incumbent
from memory.records import Experiment, TrialResult

_MOST_DEGREES = 20.0  # of the others: an experiment's own seeds always count
_FEW, _LITTLE = 3, 1.0  # fewer variances than this have no spread of their own, and count as little
_FLOOR = 1e-3  # of the pooled variance: equal scores are no proof that there is no noise
_EDGE = 1e-3  # the slope is taken no nearer to 0 or 1
_MOST = 0.75  # the share of experiments that `Prior.usual` bounds


@dataclass(frozen=True)
class Noise:
    """Seed-to-seed standard deviation of the score and its degrees of freedom."""

    sigma: float
    degrees: int


@dataclass(frozen=True)
class Prior:
    """The variance that others show, on the scale `asin(sqrt(score))`, with the degrees of freedom that it is worth.

    `usual` is the standard deviation that three of four of them stay within; `count` is their number.
    """

    variance: float
    degrees: float
    usual: float
    count: int

    def sigma(self, scores: Sequence[float]) -> float:
        """Return the noise of an experiment with these scores, shrunk towards the prior."""
        own, degrees = _variance(scores)
        total = self.degrees + degrees
        variance = (self.degrees * self.variance + degrees * own) / total if total else 0.0
        return math.sqrt(variance) * slope(float(np.mean(scores)))


@dataclass(frozen=True)
class Evidence:
    """Measurements of a campaign as the judge uses them: computed once for a snapshot.

    `fidelities` are those that a candidate climbs, lowest first. `experiments` lists the baseline first.
    """

    experiments: Sequence[Experiment]
    fidelities: tuple[str, ...]

    @cached_property
    def codes(self) -> dict[str, str]:
        """Return, for each experiment, the one whose code it runs."""
        return codes_of(self.experiments)

    @cached_property
    def _variances(self) -> dict[tuple[str, str], list[tuple[float, int]]]:
        """Return variances with their degrees of freedom, by code and fidelity."""
        found: dict[tuple[str, str], list[tuple[float, int]]] = {}
        for e in self.experiments:
            for fidelity in self.fidelities:
                variance, degrees = _variance(list(e.scores(fidelity).values()))
                if degrees:
                    found.setdefault((self.codes[e.id], fidelity), []).append((variance, degrees))
        return found

    @cached_property
    def _priors(self) -> dict[tuple[str, str, str], Prior]:
        return {}

    def prior(self, candidate: Experiment, rival: Experiment, fidelity: str) -> Prior:
        """Return what others on the candidate's code show; with those on the rival's code where these are few."""
        key = (self.codes.get(candidate.id, candidate.id), self.codes[rival.id], fidelity)
        if key not in self._priors:
            own, theirs = (self._variances.get((code, fidelity), []) for code in key[:2])
            foreign = len(own) < _FEW and key[0] != key[1]
            self._priors[key] = estimate_prior([*own, *theirs] if foreign else own, foreign=foreign)
        return self._priors[key]

    def is_patched(self, experiment: Experiment) -> bool:
        """Return whether an experiment runs other code than the baseline."""
        return self.codes.get(experiment.id) != self.experiments[0].id

    def parent(self, experiment: Experiment) -> Experiment | None:
        """Return the parent of an experiment, None for the baseline."""
        return next((e for e in self.experiments if e.id == experiment.parent), None)

    def place(self, candidate: Experiment, rival: Experiment) -> int:
        """Return the rank of a candidate among the confirmations against this rival, by their first result.

        The rank does not change once the candidate has a result there, however many confirmations run at once.
        """
        begun = _begun(candidate, rival.id)
        return 1 + sum(_begun(e, rival.id) < begun for e in self.experiments if e.id != candidate.id)


def _begun(experiment: Experiment, rival: str) -> tuple[float, str]:
    trials: Iterable[TrialResult] = () if experiment.id == rival else (*experiment.trials, *experiment.sibling_trials)
    fresh = confirm_seeds(rival)
    first = min((t.finished_at for t in trials if t.seed in fresh), default=math.inf)
    return first, experiment.id if first < math.inf else "~"  # what has not begun comes before nothing


def estimate_prior(variances: Sequence[tuple[float, int]], *, foreign: bool = False) -> Prior:
    """Estimate the prior from variances with their degrees of freedom; what runs on `foreign` code counts as little."""
    if not variances:
        return Prior(0.0, 0.0, 0.0, 0)
    squares, degrees = np.array([v for v, _ in variances]), np.array([d for _, d in variances], dtype=float)
    pooled = float(squares @ degrees / degrees.sum())
    usual = float(np.quantile(np.sqrt(squares), _MOST))
    if pooled == 0.0 or len(variances) < _FEW:
        return Prior(pooled, _LITTLE, usual, len(variances))
    logs = np.log(np.maximum(squares, _FLOOR * pooled)) - digamma(degrees / 2) + np.log(degrees / 2)
    centre = float(logs.mean())
    excess = float(logs.var(ddof=1) - polygamma(1, degrees / 2).mean())
    if excess <= polygamma(1, _MOST_DEGREES / 2):
        common, worth = math.exp(centre), _MOST_DEGREES
    else:
        worth = 2.0 * _inverse_trigamma(excess)
        common = math.exp(centre + float(digamma(worth / 2)) - math.log(worth / 2))
    return Prior(common, min(worth, _LITTLE) if foreign else worth, usual, len(variances))


def _inverse_trigamma(value: float) -> float:
    """Solve trigamma(x) = value by Newton's method on 1 / trigamma, which converges from below."""
    x = 0.5 + 1.0 / value
    while True:
        trigamma = float(polygamma(1, x))
        step = trigamma * (1.0 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-6 * x:
            return x


def slope(mean: float) -> float:
    """Return the change of a share at `mean` for a change of its place on the scale."""
    bounded = min(max(mean, _EDGE), 1.0 - _EDGE)
    return 2.0 * math.sqrt(bounded * (1.0 - bounded))


def _variance(scores: Sequence[float]) -> tuple[float, int]:
    """Return the variance on the scale and its degrees of freedom."""
    return _variance_of(tuple(scores)) if len(scores) > 1 else (0.0, 0)


@lru_cache(maxsize=4096)  # most experiments of a snapshot were in the last one
def _variance_of(scores: tuple[float, ...]) -> tuple[float, int]:
    return float(np.var(np.arcsin(np.sqrt(np.clip(scores, 0.0, 1.0))), ddof=1)), len(scores) - 1


def outcomes(experiment: Experiment, fidelity: str) -> dict[int, float]:
    """Return the score of each seed at a fidelity; a training that did not complete recovered nothing."""
    return {t.seed: t.score or 0.0 for t in experiment.trials if t.fidelity == fidelity}


def mean_outcome(experiment: Experiment, fidelity: str) -> float:
    """Return the mean score over all seeds at a fidelity, 0 before the first result."""
    scores = outcomes(experiment, fidelity)
    return math.fsum(scores.values()) / max(1, len(scores))


def measure_noise(experiments: Sequence[Experiment], fidelity: str) -> Noise:
    """Return the noise of the incumbent, of no degrees of freedom before it is measured."""
    leader = incumbent(experiments)
    scores = list(leader.scores(fidelity).values()) if leader else []
    if leader is None or len(scores) < 2:
        return Noise(0.0, 0)
    prior = Evidence(experiments, (fidelity,)).prior(leader, leader, fidelity)
    return Noise(prior.sigma(scores), len(scores) - 1 + round(prior.degrees))


def noise_at(experiments: Sequence[Experiment], fidelities: Sequence[str]) -> dict[str, Noise]:
    """Return the noise of the incumbent at each of these fidelities, in their order."""
    return {fidelity: measure_noise(experiments, fidelity) for fidelity in fidelities}

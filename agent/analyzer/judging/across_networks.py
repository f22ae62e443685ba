"""The gain on sibling networks: the scores of two experiments, compared within each network.

Networks are unequally hard, which is no noise of a gain on any of them. The gain is the mean over networks of the
differences between means. The variance of an experiment is that of its scores around its mean on each network. The
incumbent has more trials there than a candidate: all its challengers share them.

What is tested is the mean gain on these few networks. So that no single one carries it, the gain has to be above 0 on
all of them, or all but one of four.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agent.analyzer.judging.confirmation import Contrast, Mean, Values, contrast_of, distances, mean_of
from agent.analyzer.judging.noise import Prior
from memory.records import Experiment

_EXCHANGES = 1 << 14
_TIE = 1e-12
EXCHANGED = 1 / _EXCHANGES  # the smallest p-value that exchanges can give

Scores = Mapping[int, Sequence[float]]  # by network


def on_siblings(experiment: Experiment, fidelity: str) -> dict[tuple[int, int], float | None]:
    """Return the score by seed and sibling, None for a training that did not complete."""
    return {(t.seed, t.sibling): t.score for t in experiment.sibling_trials if t.fidelity == fidelity}


def by_network(
    experiment: Experiment, fidelity: str, wanted: Sequence[tuple[int, int]], failed: float | None = None
) -> dict[int, list[float]]:
    """Return the scores on each sibling; a training that did not complete scores `failed`, or is left out."""
    scores, found = on_siblings(experiment, fidelity), dict[int, list[float]]()
    for key in wanted:
        if (score := failed if scores[key] is None else scores[key]) is not None:
            found.setdefault(key[1], []).append(score)
    return found


def contrast_across(ours: Scores, theirs: Scores, prior: Prior, rivals: Prior) -> Contrast:
    """Compare two experiments on the same networks, as `welch` does on one."""
    return contrast_of(_mean_across(ours, prior), _mean_across(theirs, rivals))


def exchanges(ours: Scores, theirs: Scores, least: float = 0.0) -> float:
    """Return the one-sided p-value of a gain of at most `least`, by exchanging scores within each network at random.

    What is compared is the gain in units of its error, so that the test holds for unequal noise too (E. Chung and J. P.
    Romano, Annals of Statistics 41, 2013). The first draw is the exchange of nothing.
    """
    rng, networks = np.random.default_rng(len(ours)), len(ours)
    effect, (spread, rivals) = np.zeros(1 + _EXCHANGES), np.zeros((2, 1 + _EXCHANGES))
    for network, scores in ours.items():
        values, n = np.array([*(score - least for score in scores), *theirs[network]]), len(scores)
        order = np.vstack([np.arange(len(values)), rng.random((_EXCHANGES, len(values))).argsort(axis=1)])
        drawn, left = values[order[:, :n]], values[order[:, n:]]
        effect += drawn.mean(axis=1) - left.mean(axis=1)
        spread += drawn.var(axis=1) * n
        rivals += left.var(axis=1) * left.shape[1]
    square = sum(
        part * sum(1 / len(own) for own in of.values()) / max(sum(map(len, of.values())) - networks, 1)
        for part, of in ((spread, ours), (rivals, theirs))
    )
    t = effect / np.sqrt(np.maximum(square, _TIE))
    return float((t >= t[0] - _TIE).mean())


def on_most(ours: Scores, theirs: Scores, least: float) -> bool:
    """Return whether the gain is above `least` on all networks, or on all but one of four."""
    missing = sum(np.mean(scores) - np.mean(theirs[network]) <= least + _TIE for network, scores in ours.items())
    return bool(missing <= len(ours) // 4)


def _mean_across(scores: Scores, prior: Prior) -> Mean:
    """Return the mean over networks of the means on each; no variance is smaller than the one shrunk towards others."""
    values = [np.asarray(own, dtype=float) for own in scores.values()]
    return mean_of(values, prior.sigma(_as_on_one(values)))


def _as_on_one(values: Sequence[Values]) -> list[float]:
    """Return scores as on one network; distances grow by the degrees of freedom that the other means take."""
    apart, mean = distances(values), float(np.mean([own.mean() for own in values]))
    free = len(apart) - len(values)
    grown = apart * math.sqrt((len(apart) - 1) / free) if free else apart[:1]
    return [float(score) for score in np.clip(mean + grown, 0.0, 1.0)]

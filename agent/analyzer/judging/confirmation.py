"""Confirmation: is a promoted candidate better than the incumbent, at the campaign's fidelity, on fresh seeds?

Fresh seeds belong to the incumbent: no selection has seen them, and all its challengers share its trials on them. There
are up to four looks, at 12, 32, 48 and 96 pairs. At each, two p-values have to be below the level of the look:

- Welch's t-test (Biometrika 34, 1947) of the candidate's seeds against all of the incumbent's own, which may be more.
  Each variance is the larger of the experiment's own and of that shrunk towards others (`noise`), so that seeds that
  happen to agree are no proof of quiet. Hall's cubic (Journal of the Royal Statistical Society B 54, 1992) corrects t
  for skewness; it is an expansion for small t, and takes at most half of a large one.
- A permutation test that flips the signs of the paired differences, at the level or its own resolution.

Rare failures. A candidate that fails on a fifth of its seeds shows none on 12 seeds in 7 % of cases, and looks better
and quiet then. A pair counts 0 for a candidate whose training does not complete, and more than a quarter of those fail
the experiment. Fewer than 32 pairs therefore confirm only a large gain: larger by a quarter than the noise that three
of four experiments on this code stay within, four times as large where these are fewer than eight.

Levels. The k-th confirmation against one incumbent, in the order of their first results, may err with alpha_k = alpha /
(zeta(1.6) k^1.6), which sums to alpha over all k. Its looks share half of that; the rest is a reserve for laws
so skewed that the cubic does not correct all of it. By Bonferroni's inequality the chance that any of a series of
candidates, all equal to the incumbent, is accepted stays below alpha, however long the series, whatever the trials that
they share, and also where screening has used the incumbent's trials: given those, a candidate's own are fresh. Until
its first false acceptance a campaign of equal candidates has one incumbent; after an acceptance the count begins anew.

Siblings. Of a candidate whose code is not the baseline's, half of the seeds are on sibling networks, and both halves
have to show the gain (an intersection-union test, R. L. Berger, Technometrics 24, 1982): constants that were fitted to
one S gain nothing on another. A planner that fits constants gets a real gain on its own network in each of its
confirmations, so the levels of that half sum to alpha too, most of it in the later looks, where the incumbent has more
trials. Its gain also has to exceed a tenth of that on the campaign's own network, less where less is left to gain: an
incumbent that was unlucky on siblings is so against all its challengers, and the more constants fit, the less that
suffices. Scores are compared within each network (`across_networks`).
A half that has shown the gain gets no further trials: scores on siblings may be several times as noisy, and the later
looks are for those. Where the gain is shown on the campaign's own network alone, they go on while it can be there, with
a fifth look at 96 trials. Planners are never told figures of the half on siblings.

Fewer lines. Code with fewer lines is accepted if its mean is not below the incumbent's and the same tests reject that
it is worse by half of the incumbent's noise. It gets three looks. With a fourth, 4 of 20 simulated campaigns accepted
code that was worse by a quarter of the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import zeta

from agent.analyzer.judging.interval import GAIN, clipped
from agent.analyzer.judging.noise import Noise, Prior

ALPHA = 0.05
_STEEPNESS = 1.6
MIN_PAIRS = 2
MARGIN = 0.5  # of the incumbent's noise, that code with fewer lines may be worse by
CARRIED = 0.1  # of the gain on the campaign's own network, that has to be exceeded on sibling networks
HOPE = 0.5  # the p-value that ends the half on sibling networks where the gain on the campaign's own is shown
FAILING = 0.25  # share of pairs without a result of the candidate's, beyond which it fails
_LARGE, _LARGE_UNKNOWN, _KNOWN = 1.25, 4.0, 8
_FLIPS = 1 << 14


class Look(NamedTuple):
    """One look of a confirmation: pairs, seeds of the incumbent, shares of the level, and the p-values that end it.

    `share` and `futile` are those on the campaign's own network; `elsewhere` and `hopeless` those on sibling networks,
    where noise may be larger.
    """

    pairs: int
    rivals: int
    share: float
    elsewhere: float
    futile: float
    hopeless: float
    only_large: bool = False


LOOKS = (
    Look(12, 12, 0.1, 0.02, 0.3, 0.5, only_large=True),
    Look(32, 48, 0.15, 0.03, 0.1, 0.1),
    Look(48, 64, 0.15, 0.1, 0.02, 0.05),
    Look(96, 96, 0.1, 0.25, 0.0, 0.0),
)
FURTHER = Look(192, 128, 0.0, 0.6, 0.0, 0.0)  # on sibling networks alone, where the gain on the campaign's own is shown

Values = np.ndarray[tuple[int], np.dtype[np.float64]]


def level_of(count: int) -> float:
    """Return the level of the `count`-th test, 1 first: alpha / (zeta(1.6) count^1.6), which sums to alpha over all."""
    return float(ALPHA / (zeta(_STEEPNESS) * count**_STEEPNESS))


@dataclass(frozen=True)
class Contrast:
    """A mean difference with its standard error, the degrees of freedom of that, and the skewness of the mean."""

    effect: float
    error: float
    degrees: float
    skewness: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the effect."""
        reach = float(stats.t.ppf(0.975, self.degrees)) * self.error if self.error > 0 else 0.0
        return clipped(self.effect - reach, self.effect + reach, GAIN)

    def p_value(self, least: float = 0.0) -> float:
        """Return the one-sided p-value of an effect of at most `least`; a negative one is itself refuted by a tie."""
        if self.error == 0.0:  # neither seeds nor pairs differ at all
            return float(self.effect < 0 if least < 0 else self.effect <= least)
        t, skew = (self.effect - least) / self.error, self.skewness
        corrected = t + skew * t * t / 3.0 + skew**2 * t**3 / 27.0 + skew / 6.0
        return float(stats.t.sf(max(corrected, t / 2.0) if t > 0 else corrected, self.degrees))

    def least_shown(self, level: float, least: float = 0.0) -> float:
        """Return the effect whose p-value is `level`, a small one, with this error and skewness."""
        quantile, skew = float(stats.t.isf(level, self.degrees)), self.skewness
        t = quantile
        if skew:  # the inverse of the correction in `p_value`
            t = min(3.0 / skew * (math.cbrt(1.0 + skew * (quantile - skew / 6.0)) - 1.0), 2.0 * quantile)
        return least + t * self.error


def compare(differences: Sequence[float], noise: Noise) -> Contrast:
    """Summarise at least two paired differences; their variance is pooled with that of the noise, by degrees."""
    n, own = len(differences), float(np.var(differences, ddof=1))
    degrees = n - 1 + noise.degrees
    variance = ((n - 1) * own + noise.degrees * 2.0 * noise.sigma**2) / degrees
    return Contrast(float(np.mean(differences)), math.sqrt(variance / n), degrees)


def welch(ours: Sequence[float], theirs: Sequence[float], prior: Prior, rivals: Prior) -> Contrast:
    """Compare two samples of at least two scores; no variance is smaller than the one shrunk towards others."""
    return contrast_of(
        *(mean_of([np.asarray(s, dtype=float)], p.sigma(s)) for s, p in ((ours, prior), (theirs, rivals)))
    )


def paired(differences: Sequence[float], least: float) -> Contrast:
    """Summarise at least two paired differences, whose standard deviation is at least `least`."""
    part = mean_of([np.asarray(differences, dtype=float)], least)
    skewness = part.third / part.square**1.5 if part.square else 0.0
    return Contrast(part.mean, math.sqrt(part.square), part.degrees, skewness)


class Mean(NamedTuple):
    """A mean with its squared standard error, the degrees of freedom of that, and its third central moment."""

    mean: float
    square: float
    degrees: int
    third: float


def contrast_of(ours: Mean, theirs: Mean) -> Contrast:
    """Compare two means, with the degrees of freedom that Welch gives their difference."""
    effect, square = ours.mean - theirs.mean, ours.square + theirs.square
    if square == 0.0:
        return Contrast(effect, 0.0, ours.degrees + theirs.degrees)
    degrees = square**2 / sum(part.square**2 / part.degrees for part in (ours, theirs))
    return Contrast(effect, math.sqrt(square), degrees, (ours.third - theirs.third) / square**1.5)


def mean_of(groups: Sequence[Values], least: float) -> Mean:
    """Return the mean of the means of groups; a standard deviation within them is at least `least`."""
    apart = distances(groups)
    n, free = len(apart), len(apart) - len(groups)
    variance = max(float((apart**2).sum()) / free if free else 0.0, least**2)
    weights = np.concatenate([np.full(len(own), 1 / (len(own) * len(groups))) for own in groups])
    third = n / ((n - 1) * (n - 2)) * float((apart**3).sum()) if n > 2 else 0.0
    mean = float(np.mean([own.mean() for own in groups]))
    return Mean(mean, variance * float((weights**2).sum()), max(free, 1), third * float((weights**3).sum()))


def distances(groups: Sequence[Values]) -> Values:
    """Return the distance of each value from the mean of its group, one group after the other."""
    return np.concatenate([own - own.mean() for own in groups])


def sign_flips(differences: Sequence[float]) -> float:
    """Return the one-sided p-value of a positive mean difference, by flipping signs.

    All flips of at most 12 differences are taken, else a fixed random sample.
    """
    values = np.asarray(differences, dtype=float)
    reached = int((_signs(len(values)) @ values >= values.sum() - 1e-9).sum())
    return reached / 2 ** len(values) if len(values) <= 12 else (1 + reached) / (1 + _FLIPS)


@cache
def _signs(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    if n <= 12:
        return np.asarray(((np.arange(2**n)[:, None] >> np.arange(n)) & 1) * 2.0 - 1.0)
    return np.asarray(np.random.default_rng(n).integers(0, 2, (_FLIPS, n)) * 2.0 - 1.0)


def resolution(n: int) -> float:
    """Return the smallest p-value that flipping the signs of n differences can give."""
    return 1 / 2**n if n <= 12 else 1 / _FLIPS


def passes(contrast: Contrast, differences: Sequence[float], level: float, least: float = 0.0) -> bool:
    """Return whether both tests refute that the gain is at most `least`."""
    if contrast.p_value(least) >= level:
        return False
    return sign_flips([d - least for d in differences]) <= max(level, resolution(len(differences)))


def large(prior: Prior, slope: float) -> float:
    """Return the gain that fewer pairs than make a rare failure visible can confirm."""
    return (_LARGE if prior.count >= _KNOWN else _LARGE_UNKNOWN) * prior.usual * slope

"""The response of the score to the configuration: Gaussian process regression on leads.

On the scale of `ConfigurationLead.gain`, a configuration x recovers f(x) = sum_i g_i(x_i) + sum_a g_a(x_a) + h(x): a
function of each field alone, one of the mean position of each group of fields, such as all learning rates, and an
interplay of all fields, which is the same for configurations that are close. Each part is a Gaussian process (Rasmussen
and Williams, Gaussian Processes for Machine Learning, 2006) with a variance of its own, estimated from the leads by
expectation maximisation: that of a field measures its importance. A lead over a rival observes f(new) - f(old), so
scores on different seeds are never compared. Its noise is that of the experiment, and that of its rival, which all
leads over this rival share.

A change need not act on a later incumbent as it did on the baseline: learning rates that were too small there may be
too large here. The covariance of two leads falls with the distance between their rivals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.planner.sweeps.evidence import ConfigurationLead
from agent.planner.sweeps.scale import Scale, groups_of

Floats = NDArray[np.float64]

_LENGTH = 0.5  # of a range: values that are much closer act alike
_CONTEXT = 1.0  # the same for the interplay
_ELSEWHERE = 0.7  # the same for rivals, on which a change acts alike
_EFFECT, _NOISE = 0.5, 0.05  # standard deviations of a gain before there is evidence
_WEIGHT = 1.0  # of these in the estimate of a variance, in leads
_ROUNDS = 20


class Response:
    """The posterior of f over the fields of `scales`, given leads, as a comparison with `rival` would show it.

    A lead that is not known yet is taken to be the one that the others predict, so that the next proposal goes
    elsewhere.

    Attributes:
        importance: standard deviation of the function of each field.
    """

    def __init__(
        self, scales: Mapping[str, Scale], leads: Sequence[ConfigurationLead], rival: Mapping[str, Any]
    ) -> None:
        self._scales = scales
        places = {name: place for place, name in enumerate(scales)}
        self._groups = [[places[name] for name in names] for names in groups_of(scales)]
        ordered = [scale.ordered for scale in scales.values()] + [True] * len(self._groups)
        self._ordered = np.array(ordered, dtype=bool)
        self._spans = np.array([scale.span for scale in scales.values()] + [1.0] * len(self._groups))
        self._old, self._new = (self._positions(side) for side in ([e.old for e in leads], [e.new for e in leads]))
        self._rival = self._positions([rival])
        parts, noise = self._covariances(self._old, self._new, self._old), _noise(leads)
        known = np.array([each.gain is not None for each in leads], dtype=bool)
        values = np.array([each.gain or 0.0 for each in leads])
        self._variances, sigma2 = self._fit(parts, noise, known, values)
        self.importance = dict(zip(scales, np.sqrt(self._variances).tolist(), strict=False))
        prior = np.tensordot(self._variances, parts, 1)
        matrix = prior + sigma2 * noise
        if not known.all():
            weights = np.linalg.solve(matrix[np.ix_(known, known)], values[known])
            values = np.where(known, values, matrix[:, known] @ weights)
        self._inverse = np.linalg.inv(matrix)
        self._weights = self._inverse @ values

    def predict(self, old: Mapping[str, Any], new: Sequence[Mapping[str, Any]]) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of f(new) - f(old) for each of the configurations `new`."""
        after = self._positions(new)
        before = self._positions([old])  # one row, which numpy pairs with each of the others
        shared = np.tensordot(self._variances, self._covariances(before, after, self._rival), 1)
        alone = self._variances @ (2.0 - 2.0 * self._kernels(before, after))
        variance = alone - np.einsum("ij,ij->i", shared @ self._inverse, shared)
        return shared @ self._weights, np.sqrt(np.maximum(variance, 0.0))

    def _positions(self, configurations: Sequence[Mapping[str, Any]]) -> Floats:
        rows = [[scale.position(c.get(name)) for name, scale in self._scales.items()] for c in configurations]
        alone = np.array(rows, dtype=float).reshape(len(configurations), len(self._scales))
        return np.column_stack([alone, *(alone[:, group].mean(axis=1) for group in self._groups)])

    def _covariances(self, old: Floats, new: Floats, rival: Floats) -> Floats:
        """Return the covariances of f(new) - f(old), compared with `rival`, with each lead, shape (parts, N, leads).

        Each part of f, the interplay last, has the variance 1 here.
        """
        (old_old, old_new), (new_old, new_new) = (
            [self._kernels(a[:, None, :], b[None, :, :]) for b in (self._old, self._new)] for a in (old, new)
        )
        rivals = self._closeness(self._distances(rival[:, None, :], self._old[None, :, :]), _ELSEWHERE)
        return np.asarray((new_new - new_old - old_new + old_old) * rivals)

    def _distances(self, a: Floats, b: Floats) -> Floats:
        """Return the distance in each field and group."""
        return np.asarray(self._spans * np.where(self._ordered, np.abs(a - b), a != b))

    def _closeness(self, distances: Floats, length: float) -> Floats:
        """Return a Gaussian kernel of the distances in all fields, without groups."""
        return np.asarray(np.exp(-0.5 * np.square(distances[..., : len(self._scales)] / length).sum(axis=-1)))

    def _kernels(self, a: Floats, b: Floats) -> Floats:
        """Return Matern's kernel of order 3/2 for each field and group, and a Gaussian one over all fields last."""
        distances = self._distances(a, b)
        near = math.sqrt(3.0) * distances / _LENGTH
        alone = np.moveaxis((1.0 + near) * np.exp(-near), -1, 0)
        return np.concatenate([alone, self._closeness(distances, _CONTEXT)[None]])

    def _ranks(self, known: NDArray[np.bool_]) -> list[int]:
        """Return how many effects of each field and group have been seen: changes of it on different rivals."""
        _, rival = np.unique(self._old[known], axis=0, return_inverse=True)
        new, changed = self._new[known], self._new[known] != self._old[known]
        return [len({*zip(rival[own], new[own, part], strict=True)}) for part, own in enumerate(changed.T)]

    def _fit(self, parts: Floats, noise: Floats, known: NDArray[np.bool_], values: Floats) -> tuple[Floats, float]:
        """Return the variance of each part and that of one seed."""
        values, count = values[known], int(known.sum())
        terms = np.concatenate([parts, noise[None]])[:, known][:, :, known]
        sizes = np.array([*self._ranks(known), count, count])
        expected = np.array([_EFFECT**2] * len(parts) + [_NOISE**2])
        variances = expected.copy()
        for _ in range(_ROUNDS if count else 0):
            inverse = np.linalg.inv(np.tensordot(variances, terms, 1))
            weights = inverse @ values
            gained = (terms * (np.outer(weights, weights) - inverse)).sum(axis=(1, 2))
            variances = (variances**2 * gained + variances * sizes + _WEIGHT * expected) / (sizes + _WEIGHT)
            # Fields are alike before there is evidence: what is learned about some is expected of the others.
            expected[:-1] = math.exp(np.log(variances[:-1]).mean())
        return variances[:-1], float(variances[-1])


def _noise(leads: Sequence[ConfigurationLead]) -> Floats:
    """Return the covariance of the noise in units of the variance of one seed."""
    seeds = np.array([each.seeds for each in leads], dtype=float)
    rivals = np.array([each.rival for each in leads])
    same = rivals[:, None] == rivals[None, :]
    return np.asarray(np.diag(1.0 / seeds) + same / np.maximum(seeds[:, None], seeds[None, :]))

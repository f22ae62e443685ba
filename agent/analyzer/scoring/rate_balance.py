"""The balance of each metabolite as rows that are linear in the rates of all reactions.

With dc/dt measured, volume times dc/dt is S times the rates. Without it, c(t) is an unknown start plus S times the
integrals of the rates, and no derivative is taken. Each reading then has noise of its own, and what smooth rates leave
unexplained adds up over time like a random walk; both are whitened together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.smoothing import smoothing_spline

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_SMALLEST = 1e-5  # of a species' highest concentration
_DRIFT = 0.1  # variance of the random walk over a step, where that of a reading is 1


@dataclass(frozen=True)
class RateBalance:
    """The rows of the linear problem.

    Attributes:
        logs: log species where rates are evaluated, shape (m, M).
        target: amounts of each metabolite with a root mean square of 1, shape (n, N). scale: that before, shape (N,).
        matrices: for each trajectory, from rates to rows; None where rates are rows.
    """

    logs: Floats
    target: Floats
    scale: Floats
    matrices: list[Floats] | None

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory], volume: Floats) -> RateBalance:
        """Return the rows of these trajectories; in integral form if any of them has no dc/dt."""
        species = [np.concatenate([one.concentration, one.inputs], axis=1) for one in trajectories]
        if all(np.isfinite(one.dcdt).all() for one in trajectories):
            return _scaled(np.concatenate(species), np.concatenate([one.dcdt for one in trajectories]) * volume, None)
        nodes, matrices, amounts = [], [], []
        for one, values in zip(trajectories, species, strict=True):
            at = (one.time[:-1, None] + np.diff(one.time)[:, None] * (0.5 + 0.5 * _NODES)).ravel()
            nodes.append(_between(one.time, values, at))
            whiten = _whitening(one.time)
            matrices.append(whiten @ _integrals(one.time))
            amounts.append(whiten @ (one.concentration * volume))
        return _scaled(np.concatenate(nodes), np.concatenate(amounts), matrices)

    def rows(self, rates: Floats) -> Floats:
        """Return rows (n, P) of rates (m, P)."""
        if self.matrices is None:
            return rates
        parts = np.split(rates, np.cumsum([matrix.shape[1] for matrix in self.matrices])[:-1])
        return np.concatenate([matrix @ part for matrix, part in zip(self.matrices, parts, strict=True)])


def _scaled(species: Floats, amounts: Floats, matrices: list[Floats] | None) -> RateBalance:
    floor = np.maximum(_SMALLEST * species.max(axis=0), 1e-300)
    scale = np.sqrt(np.mean(amounts**2, axis=0))
    scale[scale == 0] = 1.0
    return RateBalance(np.log(np.maximum(species, floor)), amounts / scale, scale, matrices)


def _integrals(time: Floats) -> Floats:
    """Return the matrix (F, 3 (F - 1)) from rates at the Gauss-Legendre nodes of each step to their integrals."""
    steps = len(time) - 1
    weights = (0.5 * np.diff(time)[:, None] * _WEIGHTS).ravel()
    passed = np.arange(len(time))[:, None] > np.repeat(np.arange(steps), len(_NODES))
    return np.asarray(passed * weights)


def _whitening(time: Floats) -> Floats:
    """Return the matrix (F - 1, F) that whitens readings of variance 1 and a random walk, after any start value."""
    passed = (time - time[0]) / np.diff(time).mean()
    differences = np.eye(len(time))[1:] - np.eye(len(time))[:-1]
    covariance = np.eye(len(time)) + _DRIFT * np.minimum(passed[:, None], passed)
    return np.asarray(np.linalg.solve(np.linalg.cholesky(differences @ covariance @ differences.T), differences))


def _between(time: Floats, values: Floats, at: Floats) -> Floats:
    """Return values (F, M) at other times (n,), by smoothing splines whose smoothness cross-validation picks."""
    found = CubicSpline(time, values, bc_type="natural")(at)
    for place, column in enumerate(values.T):
        if spline := smoothing_spline(time, column):
            found[:, place] = spline(at)
    return np.asarray(found)

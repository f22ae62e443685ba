"""The linear problem: what is observed of each metabolite, and features in which the rate of each reaction is linear.

With dc/dt given, volume times dc/dt is S times the rates. Without it, c(t) is an unknown start plus S times the
integrals of the rates: no derivative is taken. Each reading then has noise of its own, and what the laws leave
unexplained adds up over time like a random walk; both are whitened together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.gaps import Gap, filled, gaps_of, seen
from gnn.observations import Floats, Observations
from gnn.spline import interpolated, smoothed

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)
_SMALLEST = 1e-5  # of a species' highest concentration
_NEGLIGIBLE = 1e-10
_LEAST_SHARE = 1e-3  # of the targets of a metabolite, that its error is taken to be
_LEAST_AT_FIRST = 0.03  # the same while features describe rates roughly


@dataclass(frozen=True)
class Rows:
    """The rows of the problem: frames where dc/dt is given, else whitened combinations of the frames of a trajectory.

    Attributes:
        observations: what they were made of.
        logs: log species where rates are evaluated, shape (m, M).
        target: amounts of each metabolite with a root mean square of 1, shape (n, N). scale: that before, shape (N,).
        matrices: for each trajectory, from rates to rows; None where rates are rows.
        lengths: number of rows of each trajectory.
        told: false for metabolites whose amounts follow from others, shape (N,): their targets are 0 and count nothing.
        gaps: the readings that are missing.
    """

    observations: Observations
    logs: Floats
    target: Floats
    scale: Floats
    matrices: list[Floats] | None
    lengths: tuple[int, ...]
    told: NDArray[np.bool_]
    gaps: tuple[Gap, ...]

    @property
    def counts(self) -> Floats:
        """The number of rows that count for each metabolite, shape (N,)."""
        counts = np.where(self.told, float(len(self.target)), 0.0)
        for gap in self.gaps:
            counts[gap.metabolites] -= gap.basis.shape[1]
        return np.where(self.told, np.maximum(counts, 1.0), 0.0)

    def refilled(self, explained: Floats) -> Rows:
        """Return rows whose rates are evaluated at fitted concentrations where readings are missing.

        `explained` (n, N) is the fit of the rows.
        """
        if not self.gaps or self.matrices is None:
            return self
        change = explained - self.target
        known = filled(self.observations, self.gaps, (change - seen(self.gaps, change)) * self.scale)
        return replace(self, logs=_logs(_smooth(known)[1]))

    def of(self, rates: Floats) -> Floats:
        """Return rows (n, P) of rates (m, P)."""
        if self.matrices is None:
            return rates
        parts = np.split(rates, np.cumsum([matrix.shape[1] for matrix in self.matrices])[:-1])
        return np.concatenate([matrix @ part for matrix, part in zip(self.matrices, parts, strict=True)])


@dataclass(frozen=True)
class Design:
    """Rows with features.

    Attributes:
        features: shape (n, P_j) for each reaction, orthonormal.
        powers: prior variance of the weight of each feature, relative to others of the reaction, shape (P_j,).
    """

    rows: Rows
    features: list[Floats]
    powers: list[Floats]


def rows_of(observations: Observations, drift: float, determined: Sequence[int] = ()) -> Rows:
    """Return the rows; `drift` is the variance of the random walk over a step, where that of a reading is 1.

    The amounts of the metabolites `determined` follow from those of others: they would repeat the errors of the laws.
    """
    told = ~np.isin(np.arange(observations.graph.n_metabolites), determined)
    if observations.dcdt is None:
        return _integral_form(observations, drift, told)
    amounts = (observations.dcdt * observations.volume).reshape(-1, observations.graph.n_metabolites)
    species = observations.species.reshape(-1, observations.species.shape[2])
    whitening = [np.eye(len(time)) for time in observations.time]
    return _rows(observations, told, species=species, amounts=amounts, whitening=whitening, matrices=None)


def design_of(rows: Rows, features: list[Floats]) -> Design:
    """Return the design for features (m, P_j) of each reaction where rates are evaluated."""
    parts = [_orthonormal(rows.of(own)) for own in features]
    # With unit variance of all weights, the rates together are as large as the targets.
    size = len(rows.target) / float(np.mean([power.sum() for _, power in parts]))
    return Design(rows, [basis for basis, _ in parts], [power * size for _, power in parts])


def weighed(rows: Rows, left: Floats, least: float = _LEAST_SHARE) -> Rows:
    """Return rows with each metabolite in units of its own error, from what is `left` unexplained (n, N).

    Noise differs between metabolites, and so does what features cannot describe.
    """
    error, size = (
        np.sqrt(np.sum(seen(rows.gaps, part) ** 2, axis=0) / np.maximum(rows.counts, 1.0))
        for part in (left, rows.target)
    )
    share = np.clip(error / np.where(size > 0, size, 1.0), least, 1.0)
    # Over all metabolites, the targets keep a mean square of 1.
    unit = np.where(size > 0, size, 1.0) * share * np.sqrt(np.mean(share[rows.told] ** -2.0))
    return replace(rows, target=rows.target / unit, scale=rows.scale * unit)


def _rows(
    observations: Observations,
    told: NDArray[np.bool_],
    *,
    species: Floats,
    amounts: Floats,
    whitening: Sequence[Floats],
    matrices: list[Floats] | None,
) -> Rows:
    scale = np.sqrt(np.mean(amounts**2, axis=0))
    scale[scale == 0] = 1.0
    gaps, lengths = gaps_of(observations, whitening, told), tuple(map(len, whitening))
    target = amounts / scale * told
    return Rows(observations, _logs(species), target, scale, matrices, lengths, told, gaps)


def _logs(species: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(species, np.maximum(_SMALLEST * species.max(axis=0), 1e-300))))


def _integral_form(observations: Observations, drift: float, told: NDArray[np.bool_]) -> Rows:
    smooth, nodes = _smooth(observations)
    whitening = [_whitening(time, drift) for time in observations.time]
    errors = replace(observations, species=observations.species - smooth)
    matrices = [w @ _integral(time) for w, time in zip(whitening, observations.time, strict=True)]
    rows = _rows(
        observations,
        told,
        species=nodes,
        amounts=_whitened(observations, whitening),
        whitening=whitening,
        matrices=matrices,
    )
    return weighed(rows, _whitened(errors, whitening) / rows.scale, _LEAST_AT_FIRST)


def _whitened(observations: Observations, whitening: Sequence[Floats]) -> Floats:
    """Return the rows (n, N) of the amounts that were read."""
    amounts = observations.concentration * observations.volume
    return np.concatenate([matrix @ own for matrix, own in zip(whitening, amounts, strict=True)])


def _smooth(observations: Observations) -> tuple[Floats, Floats]:
    """Return all species, smoothed: at the frames (T, F, M), and where rates are evaluated (m, M)."""
    smooth = np.stack([smoothed(*one) for one in zip(observations.time, observations.species, strict=True)])
    nodes = [interpolated(time, own, _between(time)) for time, own in zip(observations.time, smooth, strict=True)]
    return smooth, np.concatenate(nodes)


def _between(time: Floats) -> Floats:
    """Return the times between frames at which rates are evaluated."""
    return np.asarray((time[:-1, None] + np.diff(time)[:, None] * (0.5 + 0.5 * _NODES)).ravel())


def _integral(time: Floats) -> Floats:
    """Return the matrix from rates at these times to their integrals up to each frame."""
    weights = 0.5 * np.diff(time)[:, None] * _WEIGHTS
    integral = np.zeros((len(time), weights.size))
    for frame in range(1, len(time)):
        integral[frame, : frame * len(_NODES)] = weights[:frame].ravel()
    return integral


def _whitening(time: Floats, drift: float) -> Floats:
    """Return the matrix (F - 1, F) that whitens readings of variance 1 and a random walk, after any start value."""
    passed = (time - time[0]) / np.diff(time).mean()
    differences = np.eye(len(time))[1:] - np.eye(len(time))[:-1]
    covariance = np.eye(len(time)) + drift * np.minimum(passed[:, None], passed)
    return np.asarray(np.linalg.solve(np.linalg.cholesky(differences @ covariance @ differences.T), differences))


def _orthonormal(values: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis (n, P) of columns (n, P), and the squared singular values (P,)."""
    power, directions = np.linalg.eigh(values.T @ values)
    keep = power > _NEGLIGIBLE * power[-1]
    return values @ (directions[:, keep] / np.sqrt(power[keep])), power[keep]

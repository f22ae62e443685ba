"""Natural cubic smoothing splines along a trajectory, with the smoothness that generalised cross-validation picks.

Craven & Wahba (1979), Numer. Math. 31, 377. Frames need not be evenly spaced.
"""

from __future__ import annotations

import numpy as np

from gnn.observations import Floats

_LAMBDAS = np.logspace(-9, 4, 53)


def smoothed(time: Floats, values: Floats) -> Floats:
    """Return the values (F, N) of one trajectory, each column smoothed by itself."""
    share, vectors = np.linalg.eigh(_roughness(time))
    rotated = vectors.T @ values
    kept = 1.0 / (1.0 + _LAMBDAS[:, None] * np.maximum(share, 0.0))
    left = np.einsum("lf,fn->ln", (1.0 - kept) ** 2, rotated**2)
    free = np.mean(1.0 - kept, axis=1)[:, None]
    chosen = np.argmin((left + 1e-12 * np.sum(values**2, axis=0)) / free**2, axis=0)
    return np.asarray(vectors @ (kept[chosen].T * rotated))


def interpolated(time: Floats, values: Floats, at: Floats) -> Floats:
    """Return the natural cubic spline through values (F, N) at other times (n,) within the trajectory."""
    second = _second_derivatives(time) @ values
    cell = np.clip(np.searchsorted(time, at, side="right") - 1, 0, len(time) - 2)
    step = np.diff(time)[cell][:, None]
    b = (at - time[cell])[:, None] / step
    a = 1.0 - b
    bend = ((a**3 - a) * second[cell] + (b**3 - b) * second[cell + 1]) * step**2 / 6.0
    return np.asarray(a * values[cell] + b * values[cell + 1] + bend)


def _parts(time: Floats) -> tuple[Floats, Floats]:
    """Return the matrices Q (F, F-2) and R (F-2, F-2) of natural cubic splines: R gamma = Q.T g."""
    step = np.diff(time)
    inner = len(time) - 2
    q, r = np.zeros((len(time), inner)), np.zeros((inner, inner))
    for k in range(inner):
        q[k : k + 3, k] = 1 / step[k], -1 / step[k] - 1 / step[k + 1], 1 / step[k + 1]
        r[k, k] = (step[k] + step[k + 1]) / 3
        if k + 1 < inner:
            r[k, k + 1] = r[k + 1, k] = step[k + 1] / 6
    return q, r


def _second_derivatives(time: Floats) -> Floats:
    """Return the matrix (F, F) that takes values to second derivatives of their natural spline."""
    q, r = _parts(time)
    return np.pad(np.linalg.solve(r, q.T), ((1, 1), (0, 0)))


def _roughness(time: Floats) -> Floats:
    """Return the matrix of the integral of the squared second derivative, for a mean step of 1."""
    q, r = _parts((time - time[0]) / np.diff(time).mean())
    return np.asarray(q @ np.linalg.solve(r, q.T))

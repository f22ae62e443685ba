"""An estimate of dc/dt: local cubic least squares along each trajectory, after Savitzky and Golay (1964).

Anal. Chem. 36, 1627. Frames need not be evenly spaced; near the ends of a trajectory the window is one-sided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COEFFICIENTS = 4  # of a cubic
_WINDOWS = (7, 11, 17, 27, 41, 61, 91, 137)  # frames; each about 1.5 times as wide as the one before


def smooth(time: Floats, concentration: Floats) -> tuple[Floats, Floats]:
    """Return the smoothed concentration and its derivative, both of shape (T, F, N).

    time has shape (T, F), concentration (T, F, N). A cubic is fitted around each frame; its value and slope at the
    frame are returned. The width of the window is chosen for each metabolite, over all trajectories, by leave-one-out
    prediction error: wide where there is noise, narrow where concentrations change fast.
    """
    windows = sorted({min(window, time.shape[1]) for window in _WINDOWS})
    best = np.full(concentration.shape[2], np.inf)
    value, slope = np.empty_like(concentration), np.empty_like(concentration)
    for window in windows:
        fits = [_fit(t, c, window) for t, c in zip(time, concentration, strict=True)]
        values, slopes, errors = (np.stack(part) for part in zip(*fits, strict=True))
        error = errors.sum(axis=0)
        better = error < best
        best[better] = error[better]
        value[..., better], slope[..., better] = values[..., better], slopes[..., better]
    return value, slope


def _fit(time: Floats, concentration: Floats, window: int) -> tuple[Floats, Floats, Floats]:
    """Return value and slope (F, N) of one trajectory, time (F,) and concentration (F, N), and its error (N,).

    The error is the sum over frames of the squared leave-one-out residual.
    """
    frames = np.arange(len(time))
    first = np.clip(frames - window // 2, 0, len(time) - window)
    near = first[:, None] + np.arange(window)
    offset = time[near] - time[:, None]
    width = np.abs(offset).max(axis=1)[:, None]
    # Offsets are scaled to [-1, 1], so that the fit is well conditioned in any unit of time.
    powers = (offset / width)[..., None] ** np.arange(min(_COEFFICIENTS, window))
    to_value, to_slope = np.moveaxis(np.linalg.pinv(powers)[:, :2], 1, 0)
    neighbours = concentration[near]
    value = np.einsum("fw,fwn->fn", to_value, neighbours)
    slope = np.einsum("fw,fwn->fn", to_slope / width, neighbours)
    leverage = to_value[frames, frames - first]
    left_out = (concentration - value) / np.maximum(1.0 - leverage, 1e-9)[:, None]
    return value, slope, np.square(left_out).sum(axis=0)

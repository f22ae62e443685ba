"""dc/dt where it is not given: local cubic least squares along each trajectory, after Savitzky and Golay (1964).

Anal. Chem. 36, 1627. Frames need not be evenly spaced; near the ends of a trajectory the window is one-sided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COEFFICIENTS = 4  # of a cubic
_WINDOWS = (7, 11, 17, 27, 41, 61, 91, 137)  # frames; every one is half as wide again as the one before


def smooth(time: Floats, concentration: Floats) -> tuple[Floats, Floats]:
    """Concentration without much of its noise, and its derivative, both of shape (T, F, N).

    time has shape (T, F), concentration (T, F, N). Around each frame a cubic is fitted; its value and slope
    there are taken. A metabolite's window, the same in all trajectories, is the one that predicts best each
    frame that is left out: wide windows where there is noise, narrow ones where the course is sharp.
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
    """Value and slope (F, N) of one trajectory, time (F,) and concentration (F, N), and its error (N,).

    The error is the sum of squares of what a frame is from its prediction by the others of its window.
    """
    frames = np.arange(len(time))
    first = np.clip(frames - window // 2, 0, len(time) - window)
    near = first[:, None] + np.arange(window)
    offset = time[near] - time[:, None]
    width = np.abs(offset).max(axis=1)[:, None]
    # Powers of an offset between -1 and 1 keep the fit well conditioned, whatever the unit of time.
    powers = (offset / width)[..., None] ** np.arange(min(_COEFFICIENTS, window))
    to_value, to_slope = np.moveaxis(np.linalg.pinv(powers)[:, :2], 1, 0)
    neighbours = concentration[near]
    value = np.einsum("fw,fwn->fn", to_value, neighbours)
    slope = np.einsum("fw,fwn->fn", to_slope / width, neighbours)
    leverage = to_value[frames, frames - first]
    left_out = (concentration - value) / np.maximum(1.0 - leverage, 1e-9)[:, None]
    return value, slope, np.square(left_out).sum(axis=0)

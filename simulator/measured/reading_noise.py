"""Noise of readings, estimated from the readings alone, on transients too.

Each reading is predicted by the polynomial through its neighbours in time, and the median of the errors is taken
(pseudo-residuals: Gasser, Sroka & Jennen-Steinmetz, Biometrika 73, 1986, 625). The error of a prediction is noise and
curvature. A median does not see the few samples around which a transient curves most. Of several degrees, on several
scales of time, the one with the least error is taken. Samples that are too coarse for all of them look noisier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from simulator.kinetics import Floats

_SIDES = (1, 2, 3)  # neighbours on each side, for degrees 1, 3 and 5
_LEAST = 5  # predictions for a median
_NORMAL = 0.6745  # median of the absolute value of a standard normal number
_SCALES: tuple[Callable[[Floats], Floats], ...] = (
    lambda time: time,
    lambda time: np.arange(len(time), dtype=np.float64),
    lambda time: np.sqrt(time - time[0]),
    lambda time: np.log(time - time[0] + np.diff(time)[:1]),
)


def reading_noise(times: Sequence[Floats], readings: Sequence[Floats]) -> Floats:
    """Return the relative standard deviation of the readings of each metabolite, shape (N,).

    Of positive readings (F, N) at times (F,) of each trajectory, NaN in gaps. NaN where there are too few.
    """
    count = readings[0].shape[1]
    estimates = np.full((len(_SIDES) * len(_SCALES), count), np.nan)
    for metabolite in range(count):
        known = [
            (time[there], np.log(column[there]))
            for time, column in ((time, values[:, metabolite]) for time, values in zip(times, readings, strict=True))
            if (there := ~np.isnan(column)).sum() > 2
        ]
        for number, (sides, scale) in enumerate((sides, scale) for sides in _SIDES for scale in _SCALES):
            errors = [_errors(scale(time), column, sides) for time, column in known if len(time) > 2 * sides]
            if errors and sum(map(len, errors)) >= _LEAST:
                estimates[number, metabolite] = np.median(np.abs(np.concatenate(errors))) / _NORMAL
    return np.where(np.isnan(estimates).all(axis=0), np.nan, np.nanmin(np.nan_to_num(estimates, nan=np.inf), axis=0))


def _errors(place: Floats, column: Floats, sides: int) -> Floats:
    """Return the error of each prediction from neighbours, in units of the noise of one reading."""
    width = 2 * sides + 1
    windows = sliding_window_view(place, width)
    centre, near = windows[:, sides, None], np.delete(windows, sides, axis=1)
    weights = np.ones_like(near)
    for own in range(width - 1):
        for other in range(width - 1):
            if own != other:
                weights[:, own] *= (centre[:, 0] - near[:, other]) / (near[:, own] - near[:, other])
    readings = sliding_window_view(column, width)
    predicted = np.sum(weights * np.delete(readings, sides, axis=1), axis=1)
    return np.asarray((readings[:, sides] - predicted) / np.sqrt(1.0 + np.sum(weights**2, axis=1)))

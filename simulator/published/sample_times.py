"""Sample times of a trajectory: how long to follow it, and where samples lie."""

from __future__ import annotations

import numpy as np

from simulator.kinetics import Floats

_SHARE = 0.95
_MOST = 4.0  # a metabolite that never rests is followed for so many times its range
_SETTLED = 0.75
_LEAST_DENSITY = 0.2


def duration_of(times: Floats, concentration: Floats) -> float:
    """Return the time by which three in four metabolites have made most of their way.

    Of concentrations of shape (F, N). The others may drift on for ever.
    """
    ways = np.cumsum(np.abs(np.diff(concentration, axis=0)) / _ranges(concentration), axis=0)
    ends = [np.interp(min(_SHARE * way[-1], _MOST), way, times[1:]) for way in ways.T if way[-1] > 0]
    return float(np.quantile(ends, _SETTLED)) if ends else float(times[-1])


def sample_times(times: Floats, concentration: Floats, samples: int) -> Floats:
    """Return times, shape (samples,), that lie closer together where concentrations, shape (F, N), curve.

    The density is the square root of the second derivative in units of each metabolite's range, and at least a fifth of
    its mean.
    """
    slopes = np.diff(concentration / _ranges(concentration), axis=0) / np.diff(times)[:, None]
    middle = (times[1:] + times[:-1]) / 2
    curvature = np.linalg.norm(np.diff(slopes, axis=0) / np.diff(middle)[:, None], axis=1)
    density = np.sqrt(np.interp(times, times[1:-1], curvature))
    widths = np.diff(times)
    mean = float(np.sum((density[1:] + density[:-1]) / 2 * widths) / widths.sum())
    density = density + _LEAST_DENSITY * mean + (mean == 0.0)
    share = np.append(0.0, np.cumsum((density[1:] + density[:-1]) / 2 * widths))
    chosen = np.interp(np.linspace(0.0, share[-1], samples), share, times)
    chosen[0], chosen[-1] = times[0], times[-1]
    return chosen


def _ranges(concentration: Floats) -> Floats:
    ranges = np.ptp(concentration, axis=0)
    return np.where(ranges > 1e-9 * np.abs(concentration).max(), ranges, np.inf)

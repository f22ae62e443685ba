"""Smoothing splines through readings, where there is one."""

from __future__ import annotations

from scipy.interpolate import BSpline, make_smoothing_spline

from simulator.kinetics import Floats


def smoothing_spline(time: Floats, values: Floats) -> BSpline | None:
    """Return the cubic spline through `values` (F,) or (F, M) whose smoothness cross-validation picks.

    None for fewer than five readings, or for times that differ by so many orders of magnitude that SciPy finds no
    smoothness.
    """
    try:
        return make_smoothing_spline(time, values)
    except ValueError:
        return None

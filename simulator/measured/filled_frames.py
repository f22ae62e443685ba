"""Measured trajectories as arrays of one shape, with a mask of what was measured.

Shorter trajectories get frames in the middle of their longest intervals. Gaps are filled by monotone cubic
interpolation (Fritsch & Carlson, SIAM Journal on Numerical Analysis 17, 1980, 238), of logarithms where readings are
positive. Filled entries are marked, so that methods can leave them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from simulator.kinetics import Floats
from simulator.measured.csv_table import TimeSeries


@dataclass(frozen=True)
class FilledFrames:
    """A trajectory without gaps: time (F,); the rest has shape (F, N), dcdt only where derivatives were measured."""

    time: Floats
    concentration: Floats
    measured: NDArray[np.bool_]
    below: NDArray[np.bool_]
    dcdt: Floats | None


def usual_readings(courses: Sequence[TimeSeries]) -> Floats:
    """Return the middle reading of each column, shape (N,), for trajectories in which it was not measured."""
    return np.asarray(np.nanmedian(np.concatenate([course.concentration for course in courses]), axis=0))


def filled(courses: Sequence[TimeSeries], signed: NDArray[np.bool_], usual: Floats) -> list[FilledFrames]:
    """Return trajectories of equal length; columns that are `signed`, shape (N,), may hold any number."""
    frames = max(len(course.time) for course in courses)
    with_slopes = all(course.has_slopes(int(np.sum(~signed))) for course in courses)
    return [_filled(_spread(course, frames), signed, usual, with_slopes) for course in courses]


def _spread(course: TimeSeries, frames: int) -> TimeSeries:
    """Return a course with empty samples in its longest intervals."""
    times = course.time.tolist()
    while len(times) < frames:
        longest = int(np.argmax(np.diff(times)))
        times.insert(longest + 1, (times[longest] + times[longest + 1]) / 2)
    place = np.searchsorted(times, course.time)
    empty = np.full((frames, course.concentration.shape[1]), np.nan)
    concentration, dcdt = empty.copy(), empty.copy()
    concentration[place], dcdt[place] = course.concentration, course.dcdt
    below, repeats = np.zeros_like(empty, dtype=bool), np.zeros_like(empty, dtype=np.int64)
    below[place], repeats[place] = course.below, course.repeats
    return TimeSeries(course.name, np.array(times), concentration, below, dcdt, repeats)


def _filled(course: TimeSeries, signed: NDArray[np.bool_], usual: Floats, with_slopes: bool) -> FilledFrames:
    known = ~np.isnan(course.concentration)
    concentration = np.empty_like(course.concentration)
    for place in range(concentration.shape[1]):
        there = known[:, place]
        column = course.concentration[there, place]
        concentration[:, place] = _through(course.time, course.time[there], column, bool(signed[place]), usual[place])
    slopes = course.dcdt.copy() if with_slopes else None
    if slopes is not None:
        for column in slopes.T:
            there = ~np.isnan(column)
            if there.any():
                column[:] = np.interp(course.time, course.time[there], column[there])
    return FilledFrames(course.time, concentration, known & ~course.below, course.below, slopes)


def _through(times: Floats, known: Floats, column: Floats, signed: bool, usual: float) -> Floats:
    """Return interpolated readings; before the first and after the last one they stay as they are."""
    if len(column) < 2:
        return np.full(len(times), column[0] if len(column) else usual)
    inside = np.clip(times, known[0], known[-1])
    if signed:
        return np.asarray(PchipInterpolator(known, column)(inside))
    found = np.exp(PchipInterpolator(known, np.log(column))(inside))
    found[np.searchsorted(times, known)] = column  # readings stay as they are, to the last digit
    return np.asarray(found)

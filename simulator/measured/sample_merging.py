"""Samples of a trajectory, sorted by time, with replicates averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats


@dataclass(frozen=True)
class MergedSamples:
    """A trajectory with one sample for each time.

    Attributes:
        values, limits, slopes: means of the readings, NaN where there is none, shape (F, N). A limit stands only where
            no reading does.
        repeats: number of readings, shape (F, N).
        relative_variance: squared relative spread of repeated readings, NaN where there are none, shape (F, N).
        ordered: true if the samples were sorted before.
    """

    time: Floats
    values: Floats
    limits: Floats
    slopes: Floats
    repeats: NDArray[np.int64]
    relative_variance: Floats
    ordered: bool


def restarted(times: Floats) -> dict[str, list[int]]:
    """Return the samples of each trajectory where none is named: a new one begins where the time goes back."""
    starts = np.cumsum(np.append(False, np.diff(times) < 0))
    if not starts[-1]:
        return {"": list(range(len(times)))}
    return {str(number + 1): np.flatnonzero(starts == number).tolist() for number in range(starts[-1] + 1)}


def merged(times: Floats, stacked: Floats) -> MergedSamples:
    """Return samples at times (S,), with values, limits and slopes stacked in shape (3, S, N), by time.

    Samples without any reading are left out. Samples whose time is NaN stay apart.
    """
    some = (~np.isnan(stacked)).any(axis=(0, 2))
    times, stacked = times[some], stacked[:, some]
    unique, member = np.unique(times, return_inverse=True, equal_nan=False)
    count = np.zeros((3, len(unique), stacked.shape[2]))
    total, square = np.zeros_like(count), np.zeros_like(count)
    known = ~np.isnan(stacked)
    content = np.where(known, stacked, 0.0)
    for part in range(3):
        np.add.at(count[part], member, known[part])
        np.add.at(total[part], member, content[part])
        np.add.at(square[part], member, content[part] ** 2)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    twice = (count[0] > 1) & (mean[0] > 0)
    variance = np.maximum(square[0] - count[0] * np.nan_to_num(mean[0]) ** 2, 0.0) / np.maximum(count[0] - 1, 1)
    relative = np.where(twice, variance / np.where(twice, mean[0], 1.0) ** 2, np.nan)
    return MergedSamples(
        time=unique,
        values=mean[0],
        limits=np.where(count[0] > 0, np.nan, mean[1]),
        slopes=mean[2],
        repeats=count[0].astype(np.int64),
        relative_variance=relative,
        ordered=bool((np.diff(times) >= 0).all()),
    )

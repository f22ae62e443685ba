"""The 95 % interval of a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

Interval = tuple[float, float]


def interval_of_mean(values: Sequence[float]) -> Interval | None:
    """By Student's t over the values; a single one has none."""
    if len(values) < 2:
        return None
    mean, n = float(np.mean(values)), len(values)
    reach = float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1)) / math.sqrt(n)
    return mean - reach, mean + reach


def within(interval: Interval | None) -> str:
    """Return ' [0.2401, 0.2623]' to follow a mean, rounded outwards; an empty text without an interval."""
    if interval is None:
        return ""
    # First to more digits than are shown: 0.57 times 10000 falls short of 5700.
    low, high = (round(bound * 1e4, 6) for bound in interval)
    return f" [{math.floor(low) / 1e4:.4f}, {math.ceil(high) / 1e4:.4f}]"

"""The 95 % interval of a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

Interval = tuple[float, float]
SHARE, GAIN = (0.0, 1.0), (-1.0, 1.0)  # bounds of a score, and of a difference between two scores


def interval_of_mean(values: Sequence[float], bounds: Interval) -> Interval | None:
    """Return Student's interval of the mean of values within `bounds`; None for a single value."""
    if len(values) < 2:
        return None
    mean, n = float(np.mean(values)), len(values)
    reach = float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1)) / math.sqrt(n)
    return clipped(mean - reach, mean + reach, bounds)


def clipped(low: float, high: float, bounds: Interval) -> Interval:
    """Return the part of an interval within `bounds`.

    The true mean is a share or a difference of shares, so it cannot lie in the part that is cut off: the interval
    covers it as often as before.
    """
    return max(low, bounds[0]), min(high, bounds[1])

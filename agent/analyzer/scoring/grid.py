"""An ascending grid of numbers, and the places of values in it."""

from __future__ import annotations

import math

import numpy as np

from simulator.kinetics import Floats
from simulator.network import Ints

_MOST_BUCKETS = 1 << 15
_SPARE = 1.01  # buckets a cell at least, so that rounding puts no second node into a bucket
_ROUNDING = 1e-6  # of a bucket


class Grid:
    """At least two nodes, shape (G,), that increase strictly; cell i lies between nodes i and i + 1.

    A score asks for the cells of a million values. A table of equal buckets, none wider than any cell, gives each of
    them in one step and a comparison. A grid with cells too unequal for such a table is searched by bisection.
    """

    def __init__(self, nodes: Floats) -> None:
        self._nodes, self._widths = nodes, np.diff(nodes)
        self._ends = np.append(nodes[1:-1], np.inf)
        span = float(nodes[-1] - nodes[0])
        count = _SPARE * span / float(self._widths.min())
        self._cells: Ints | None = None
        if count < _MOST_BUCKETS:
            self._a_unit = math.ceil(count) / span
            begins = nodes[0] + (np.arange(math.ceil(count) + 1) - _ROUNDING) / self._a_unit
            self._cells = np.maximum(np.searchsorted(nodes[:-1], begins, side="right") - 1, 0)

    def locate(self, values: Floats) -> tuple[Ints, Floats]:
        """Return the cell of each value and its position there, 0 to 1; beyond the grid, those of its ends."""
        inside = np.minimum(np.maximum(values, self._nodes[0]), self._nodes[-1])
        if self._cells is None:
            cell = np.searchsorted(self._ends[:-1], inside, side="right")
        else:
            bucket = ((inside - self._nodes[0]) * self._a_unit).astype(np.intp)
            cell = self._cells.take(bucket, mode="clip")  # which a NaN needs, whose position is NaN
            cell += inside >= self._ends.take(cell)
        inside -= self._nodes.take(cell)
        inside /= self._widths.take(cell)
        return cell, inside

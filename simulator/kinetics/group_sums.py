"""Sums over groups: of messages over reactions, of regulators over the reactions that they regulate."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from simulator.kinetics import Floats
from simulator.network import Ints


def membership(groups: Ints, count: int) -> csr_array:
    """Return the matrix, shape (M, count), that sums values over `count` groups; `groups` has that of each value."""
    return csr_array((np.ones(len(groups)), groups, np.arange(len(groups) + 1)), shape=(len(groups), count))


def group_sums(values: Floats, groups: Ints, count: int) -> Floats:
    """Return the sum over each of `count` groups, shape (F, count), of values of shape (F, M) in `groups`, shape (M,).

    One row, as an integrator asks for, is summed without a sparse matrix, whose overhead is a hundred times as large.
    Both ways add in the same order, so the bits are the same.
    """
    if len(values) == 1:
        return np.asarray(np.bincount(groups, values[0], count)[None], dtype=np.float64)
    return np.asarray(values @ membership(groups, count))

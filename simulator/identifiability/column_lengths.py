"""Columns of S whose length the alphabet leaves open: all ones, which could as well be all twos.

Dynamics determine S_ij k_j, so a column is found up to a factor that k_j takes up. Where another multiple of
the column lies within the alphabet, only |S| inside substrate_func can tell which of them it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.identifiability.given_rates import PARALLEL
from simulator.kinetics import Floats, RateLaw
from simulator.network import Graph, Ints

_FRAMES = 400  # of the data, evenly spread: two courses that agree on so many are one


@dataclass(frozen=True)
class ScaleFree:
    """Reactions whose column has another multiple within the alphabet, and which of them the form tells apart.

    Attributes:
        found: whether the column has another multiple, shape (R,).
        resolved: where it has, whether every such multiple would give the rate another course, shape (R,).
    """

    found: NDArray[np.bool_]
    resolved: NDArray[np.bool_]


def scale_free(graph: Graph, sto_all: Ints, law: RateLaw, frames: Floats, alphabet: tuple[int, ...]) -> ScaleFree:
    """Compare the course of each rate over `frames`, shape (F, N), with its course under each other multiple."""
    frames = frames[:: -(-len(frames) // _FRAMES)]
    divisor = np.zeros(graph.n_reactions, dtype=np.int64)
    np.gcd.at(divisor, graph.rxn_all, sto_all)
    primitive = sto_all // divisor[graph.rxn_all]
    true = _unit(law.rates(graph, sto_all, frames))
    found, confused = np.zeros((2, graph.n_reactions), dtype=bool)
    for multiple in range(1, max(alphabet) + 1):
        other = np.asarray(multiple != divisor)
        np.logical_and.at(other, graph.rxn_all, np.isin(np.abs(multiple * primitive), (0, *alphabet)))
        labels = np.where(other[graph.rxn_all], multiple * primitive, sto_all)
        # A rate depends on its own column alone, so all columns can be exchanged at once.
        distance = np.square(true - _unit(law.rates(graph, labels, frames))).sum(axis=0)
        found |= other
        confused |= other & (distance < 2.0 * PARALLEL)
    return ScaleFree(found, found & ~confused)


def _unit(rates: Floats) -> Floats:
    return np.asarray(rates / np.linalg.norm(rates, axis=0))

"""Columns of S whose length the alphabet leaves open, such as all ones, which could be all twos.

Dynamics determine S_ij k_j, so a column is found up to a factor that k_j takes up. Where another multiple of
the column lies within the alphabet, only |S| inside substrate_func distinguishes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.identifiability.given_rates import PARALLEL
from simulator.kinetics import Floats
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import Graph, Ints

_FRAMES = 400  # evenly spread; courses that agree on all of them count as equal


@dataclass(frozen=True)
class ScaleFree:
    """Reactions whose column has another multiple within the alphabet, and those that the form resolves.

    Attributes:
        ambiguous: true if the column has another multiple, shape (R,).
        resolved: true if, besides, every such multiple changes the course of the rate, shape (R,).
    """

    ambiguous: NDArray[np.bool_]
    resolved: NDArray[np.bool_]


def scale_free(
    graph: Graph, sto_all: Ints, law: SharedFunctions, frames: Floats, alphabet: tuple[int, ...]
) -> ScaleFree:
    """Compare the course of each rate over `frames`, shape (F, N), with its course under each other multiple."""
    frames = frames[:: -(-len(frames) // _FRAMES)]
    divisor = np.zeros(graph.n_reactions, dtype=np.int64)
    np.gcd.at(divisor, graph.rxn_all, sto_all)
    primitive = sto_all // divisor[graph.rxn_all]
    true = _unit(law.rates(graph, sto_all, frames))
    ambiguous, confused = np.zeros((2, graph.n_reactions), dtype=bool)
    for multiple in range(1, max(alphabet) + 1):
        other = np.asarray(multiple != divisor)
        np.logical_and.at(other, graph.rxn_all, np.isin(np.abs(multiple * primitive), (0, *alphabet)))
        labels = np.where(other[graph.rxn_all], multiple * primitive, sto_all)
        # A rate depends on its own column alone, so all columns are replaced at once.
        distance = np.square(true - _unit(law.rates(graph, labels, frames))).sum(axis=0)
        ambiguous |= other
        confused |= other & (distance < 2.0 * PARALLEL)
    return ScaleFree(ambiguous, ambiguous & ~confused)


def _unit(rates: Floats) -> Floats:
    return np.asarray(rates / np.linalg.norm(rates, axis=0))

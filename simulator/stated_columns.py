"""Statements of a user about coefficients, beside the graph and the constraints on all columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.network import Graph, Ints


@dataclass(frozen=True)
class StatedColumns:
    """Statements on coefficients; E edges, R reactions, N metabolites, K conserved totals.

    Attributes:
        known: coefficient that is known, negative for a substrate; 0 where it is to be recovered, shape (E,).
        tied: edges with the same number above 0 have coefficients of the same magnitude, shape (E,).
        conserved: weights of each total that does not change, shape (K, N): weights times S is 0.
        incomplete: true for reactions with members that were not measured, shape (R,).
        unobserved_rate: true for reactions whose rate depends on something that was not measured, shape (R,).
    """

    known: Ints
    tied: Ints
    conserved: Floats
    incomplete: NDArray[np.bool_]
    unobserved_rate: NDArray[np.bool_]

    @classmethod
    def nothing(cls, graph: Graph) -> StatedColumns:
        """Return that nothing is stated."""
        edges, reactions = np.zeros(len(graph.met_all), dtype=np.int64), np.zeros(graph.n_reactions, dtype=bool)
        return cls(edges, edges, np.zeros((0, graph.n_metabolites)), reactions, reactions)

    @classmethod
    def read(cls, graph: Graph, arrays: dict[str, NDArray[Any]]) -> StatedColumns:
        """Return what observations state."""
        return cls(**{name: arrays.get(name, value) for name, value in vars(cls.nothing(graph)).items()})

    def without_length(self, graph: Graph) -> NDArray[np.bool_]:
        """Return the edges, shape (E,), of incomplete columns in which no coefficient is known.

        Dynamics determine the product of such a column and its rate, and no convention fixes one of the two: the
        members that were not measured may be what makes the whole column primitive.
        """
        counted = np.bincount(graph.rxn_all, self.known != 0, graph.n_reactions) > 0
        return (self.incomplete & ~counted)[graph.rxn_all]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that state something."""
        return {name: value for name, value in vars(self).items() if value.any()}

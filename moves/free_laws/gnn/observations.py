"""The input of a trial: the graph, the statements on its columns and rates, and the frames of all trajectories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """The bipartite graph: metabolite, reaction and role (-1 substrate, +1 product, 0 unknown) of each edge (E,)."""

    n_metabolites: int
    n_reactions: int
    met_all: Ints
    rxn_all: Ints
    role: NDArray[np.int8]
    sub_to_all: Ints

    def edges_of(self, reaction: int) -> Ints:
        """Return the indices of the edges of a reaction."""
        return np.flatnonzero(self.rxn_all == reaction)


@dataclass(frozen=True)
class Constraints:
    """The regime's constraints on every column of S.

    Attributes:
        alphabet: the magnitudes that a coefficient may have.
        mass_balanced: true if every column sums to zero.
        max_substrates, max_products: the largest numbers that a reaction has.
        may_be_absent: true if the coefficient of an edge may be zero.
        primitive: true if no column has a common divisor.
    """

    alphabet: tuple[int, ...]
    mass_balanced: bool
    max_substrates: int
    max_products: int
    may_be_absent: bool
    primitive: bool


@dataclass(frozen=True)
class Stated:
    """What a user states on columns of measurements.

    Attributes:
        known: coefficients, shape (E,), 0 where one is to be recovered.
        tied: edges with the same number above 0 have coefficients of the same magnitude, shape (E,).
        incomplete: true for reactions of which members were not measured, shape (R,).
        conserved: weights of totals of amounts that do not change, shape (K, N).
    """

    known: Ints
    tied: Ints
    incomplete: NDArray[np.bool_]
    conserved: Floats


def stated_in(graph: Graph, arrays: Mapping[str, Any]) -> Stated:
    """Return the statements among arrays of these names; those that are absent state nothing."""
    nothing = {
        "known": np.zeros(len(graph.met_all), dtype=np.int64),
        "tied": np.zeros(len(graph.met_all), dtype=np.int64),
        "incomplete": np.zeros(graph.n_reactions, dtype=bool),
        "conserved": np.zeros((0, graph.n_metabolites)),
    }
    return Stated(**{name: arrays.get(name, default) for name, default in nothing.items()})


@dataclass(frozen=True)
class Observations:
    """All frames and all statements.

    Attributes:
        reversible: true for reactions whose rate depends on the products too, shape (R,).
        met_reg, rxn_reg: species (a metabolite, or N + u for input u) and reaction of each regulator, shape (G,).
        volume: volume around each metabolite, shape (N,).
        time: shape (T, F). species: concentrations, then inputs, shape (T, F, N + U).
        gaps: true where a concentration is no reading but an interpolation, shape (T, F, N).
        dcdt: shape (T, F, N), or None where it is not given.
    """

    graph: Graph
    constraints: Constraints
    stated: Stated
    reversible: NDArray[np.bool_]
    met_reg: Ints
    rxn_reg: Ints
    volume: Floats
    time: Floats
    species: Floats
    gaps: NDArray[np.bool_]
    dcdt: Floats | None

    @property
    def concentration(self) -> Floats:
        """The concentrations, shape (T, F, N)."""
        return self.species[..., : self.graph.n_metabolites]


def read_observations(path: Path) -> Observations:
    """Read `observations.npz`; statements that the file lacks mean one-way reactions without regulators."""
    with np.load(path, allow_pickle=False) as content:
        arrays = dict(content)
    names = ("met_all", "rxn_all", "role", "sub_to_all")
    graph = Graph(int(arrays["n_metabolites"]), int(arrays["n_reactions"]), *(arrays[name].copy() for name in names))
    constraints = Constraints(
        alphabet=tuple(arrays["alphabet"].tolist()),
        mass_balanced=bool(arrays["mass_balanced"]),
        max_substrates=int(arrays["max_substrates"]),
        max_products=int(arrays["max_products"]),
        may_be_absent=bool(arrays["may_be_absent"]),
        primitive=bool(arrays.get("primitive", False)),
    )
    none = np.zeros(0, dtype=np.int64)
    inputs = [arrays["inputs"]] if "inputs" in arrays else []
    nowhere = np.zeros(arrays["concentration"].shape, dtype=bool)
    return Observations(
        graph,
        constraints,
        stated_in(graph, arrays),
        reversible=arrays.get("reversible", np.zeros(graph.n_reactions, dtype=bool)),
        met_reg=arrays.get("met_reg", none),
        rxn_reg=arrays.get("rxn_reg", none),
        volume=arrays.get("volume", np.ones(graph.n_metabolites)),
        time=arrays["time"],
        species=np.concatenate([arrays["concentration"], *inputs], axis=2),
        # Half the limit of detection errs by no more than that half: it counts as a reading.
        gaps=~arrays.get("measured", ~nowhere) & ~arrays.get("below", nowhere),
        dcdt=arrays.get("dcdt"),
    )

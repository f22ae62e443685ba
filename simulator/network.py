"""Reaction networks, drawn or imported, and the bipartite graph shown to an observer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.network_settings import ImportedNetwork, Network
from simulator.published_settings import PublishedNetwork
from stoichloop.errors import RegimeError

Ints = NDArray[np.int64]

_MAX_DRAWS = 10_000  # of a whole network
_MAX_SIZES, _DRAWS_A_SIZE = 500, 200  # of one reaction


@dataclass(frozen=True)
class Graph:
    """The shown part of a network: the metabolites of each reaction and their roles.

    Attributes:
        n_metabolites: number of metabolites N.
        n_reactions: number of reactions R.
        met_all, rxn_all: metabolite and reaction of each edge, shape (E,), sorted by reaction and then by
            metabolite, so that the order is independent of roles.
        role: -1 for a substrate, +1 for a product, 0 where roles are hidden, shape (E,).
    """

    n_metabolites: int
    n_reactions: int
    met_all: Ints
    rxn_all: Ints
    role: NDArray[np.int8]

    @cached_property
    def sub_to_all(self) -> NDArray[np.intp]:
        """Indices, among all edges, of the possible substrate edges, shape (E_sub,)."""
        return np.flatnonzero(self.role <= 0)

    @property
    def met_sub(self) -> Ints:
        """Metabolite of each possible substrate edge, shape (E_sub,)."""
        return self.met_all[self.sub_to_all]

    @property
    def rxn_sub(self) -> Ints:
        """Reaction of each possible substrate edge, shape (E_sub,)."""
        return self.rxn_all[self.sub_to_all]

    def matrix(self, sto_all: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return S, shape (N, R), from one coefficient per edge, shape (E,)."""
        stoichiometry = np.zeros((self.n_metabolites, self.n_reactions))
        stoichiometry[self.met_all, self.rxn_all] = sto_all
        return stoichiometry


def stoichiometry_of(spec: Network | ImportedNetwork | PublishedNetwork, rng: np.random.Generator) -> Ints:
    """Return S, shape (N, R), of the network of a regime; `rng` is used only for a drawn network."""
    if isinstance(spec, Network):
        return draw_stoichiometry(spec, rng)
    row = {name: number for number, name in enumerate(spec.metabolite_names)}
    matrix = np.zeros((len(row), len(spec.reactions)), dtype=np.int64)
    for reaction, name in enumerate(spec.reaction_names):
        for metabolite, coefficient in spec.reactions[name].items():
            matrix[row[metabolite], reaction] = coefficient
    return matrix


def draw_stoichiometry(spec: Network, rng: np.random.Generator) -> Ints:
    """Draw S, shape (N, R), in which every metabolite reacts and every column is balanced, or none is.

    Raises `RegimeError` if no such network is found.
    """
    for _ in range(_MAX_DRAWS):
        matrix = np.stack([_draw_column(spec, rng) for _ in range(spec.reactions)], axis=1)
        if np.abs(matrix).sum(axis=1).all():
            return matrix
    raise RegimeError("no network was found in which every metabolite reacts; raise network.reactions")


def _draw_column(spec: Network, rng: np.random.Generator) -> Ints:
    """Draw one column: first the numbers of substrates and products, then coefficients, balanced or not."""
    low, high = min(spec.coefficients), max(spec.coefficients)
    for _ in range(_MAX_SIZES):
        n_sub = rng.integers(1, spec.max_substrates + 1)
        n_pro = rng.integers(1, spec.max_products + 1)
        if spec.mass_balanced and max(n_sub, n_pro) * low > min(n_sub, n_pro) * high:
            continue
        for _ in range(_DRAWS_A_SIZE):
            substrates = rng.choice(spec.coefficients, n_sub)
            products = rng.choice(spec.coefficients, n_pro)
            if (substrates.sum() == products.sum()) == spec.mass_balanced:
                column = np.zeros(spec.metabolites, dtype=np.int64)
                members = rng.choice(spec.metabolites, n_sub + n_pro, replace=False)
                column[members] = np.concatenate([-substrates, products])
                return column
    balance = "balances" if spec.mass_balanced else "is out of balance"
    raise RegimeError(f"no reaction that {balance} was found with network.coefficients {spec.coefficients}; add others")


def graph_of(stoichiometry: Ints) -> Graph:
    """Return the graph of S, without its coefficients."""
    rxn_all, met_all = np.nonzero(stoichiometry.T)
    return Graph(
        n_metabolites=stoichiometry.shape[0],
        n_reactions=stoichiometry.shape[1],
        met_all=met_all,
        rxn_all=rxn_all,
        role=np.sign(stoichiometry[met_all, rxn_all]).astype(np.int8),
    )

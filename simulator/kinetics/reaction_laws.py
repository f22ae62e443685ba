"""Kinetics in which each reaction has a rate law of its own.

With u = (c / half)^power of a participant, and m = |S_ij|, the rate of a reaction is, times the factors of regulators,

    mass action                   k prod_sub u^m
    Michaelis-Menten and Hill     k prod_sub (u / (1 + u))^m
    reversible mass action        k prod_sub u^m (1 - G / K)
    reversible Michaelis-Menten   k prod_sub u^m (1 - G / K) / (prod_sub (1 + u)^m + prod_pro (1 + u)^m - 1)

G = prod_pro (c / reference)^m / prod_sub (c / reference)^m is the mass-action ratio and K the equilibrium constant, so
that a rate vanishes at equilibrium (Haldane's relation). The last law is the common modular rate law of Liebermeister,
Uhlendorf and Klipp (2010), Bioinformatics 26, 1528. A feed, which has no substrates, has the constant rate k.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.kinetics.group_sums import group_sums
from simulator.kinetics.regulators import Regulators
from simulator.law_mixture import LawName
from simulator.network import Graph, Ints

LAWS: tuple[LawName, ...] = get_args(LawName)
_SATURATING = [name not in ("mass_action", "reversible_mass_action") for name in LAWS]
_REVERSIBLE = [name.startswith("reversible") for name in LAWS]
_LEAST = 1e-12  # steps of the integrator that are rejected may lead below zero


@dataclass(frozen=True)
class ReactionLaws:
    """The map from species to rates. Species are the metabolites, then the inputs.

    Attributes:
        law: index in `LAWS` of the law of each reaction, shape (R,).
        log_k: log10 of the rate constants, shape (R,). log_equilibrium: natural logarithm of K, shape (R,).
        half, power: of the participant at each edge, shape (E,); `half` in units of concentration.
        reference: the reference concentration, shape ().
        regulators: of all reactions.
    """

    law: Ints
    log_k: Floats
    log_equilibrium: Floats
    half: Floats
    power: Floats
    reference: Floats
    regulators: Regulators

    @cached_property
    def reversible(self) -> NDArray[np.bool_]:
        """True for reactions that run both ways, shape (R,)."""
        return np.array(_REVERSIBLE)[self.law]

    def rates(self, graph: Graph, sto_all: Ints, species: Floats) -> Floats:
        """Return v, shape (..., R), in amount per time unit, of species, shape (..., M)."""
        logs = np.log(np.maximum(species.reshape(-1, species.shape[-1]), _LEAST))
        reversed_ = self.reversible[graph.rxn_all]
        substrates, products = np.flatnonzero(sto_all < 0), np.flatnonzero((sto_all > 0) & reversed_)
        u = self.power * (logs[:, graph.met_all] - np.log(self.half))
        ratio = logs[:, graph.met_all] - np.log(self.reference)

        def total(values: Floats, edges: NDArray[np.intp]) -> Floats:
            return group_sums(values[:, edges] * np.abs(sto_all[edges]), graph.rxn_all[edges], graph.n_reactions)

        forward = total(u, substrates)
        backward = forward - total(ratio, substrates) + total(ratio, products) - self.log_equilibrium
        bound = np.logaddexp(0.0, u)
        one_way, both_ways = total(bound, substrates), total(bound, products)
        saturation = np.where(self.reversible, np.log(np.exp(one_way) + np.expm1(both_ways)), one_way)
        saturation = np.where(np.array(_SATURATING)[self.law], saturation, 0.0)
        scale = np.log(10.0) * self.log_k + self.regulators.log_factors(logs, graph.n_reactions) - saturation
        rates = np.exp(scale + forward) - np.where(self.reversible, np.exp(scale + backward), 0.0)
        return np.asarray(rates.reshape(*species.shape[:-1], graph.n_reactions))

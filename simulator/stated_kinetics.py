"""Structure of the kinetics that a regime states: what a trial is told of rates beside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.published_settings import PublishedNetwork


@dataclass(frozen=True)
class StatedKinetics:
    """Structure of rates. Species are the N metabolites, then the U inputs.

    Attributes:
        reversible: true for reactions whose rate depends on their products and may be negative, shape (R,).
        met_reg, rxn_reg: species and reaction of each regulator, shape (G,), sorted by reaction, then by species.
        volume: volume of the compartment of each metabolite, shape (N,): dc_i/dt = sum_j S_ij v_j / volume_i.
    """

    reversible: NDArray[np.bool_]
    met_reg: Ints
    rxn_reg: Ints
    volume: Floats

    @classmethod
    def plain(cls, graph: Graph) -> StatedKinetics:
        """Return irreversible reactions without regulators, in one volume of 1."""
        none = np.zeros(0, dtype=np.int64)
        return cls(np.zeros(graph.n_reactions, dtype=bool), none, none, np.ones(graph.n_metabolites))

    @classmethod
    def published(cls, network: PublishedNetwork) -> StatedKinetics:
        """Return what a published model states of rates."""
        return cls.of_names(
            metabolites=network.metabolite_names,
            inputs=network.inputs,
            reactions=network.reaction_names,
            reversible=network.reversible,
            regulators=network.regulators,
            volumes=network.volumes,
        )

    @classmethod
    def of_names(
        cls,
        *,
        metabolites: Sequence[str],
        inputs: Sequence[str],
        reactions: Sequence[str],
        reversible: Sequence[str],
        regulators: Mapping[str, Sequence[str]],
        volumes: Mapping[str, float],
    ) -> StatedKinetics:
        """Return what is stated by names; a volume that is not stated is 1."""
        species = {name: number for number, name in enumerate((*metabolites, *inputs))}
        pairs = [
            (species[name], number)
            for number, reaction in enumerate(reactions)
            for name in sorted(regulators.get(reaction, ()), key=lambda name: species[name])
        ]
        met_reg, rxn_reg = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return cls(
            reversible=np.isin(reactions, reversible),
            met_reg=met_reg,
            rxn_reg=rxn_reg,
            volume=np.array([volumes.get(name, 1.0) for name in metabolites]),
        )

    @classmethod
    def read(cls, arrays: dict[str, NDArray[Any]]) -> StatedKinetics | None:
        """Return what observations state; None if they state nothing of rates."""
        names = cls.__dataclass_fields__
        return cls(**{name: arrays[name] for name in names}) if names.keys() <= arrays.keys() else None

    def participants(self, graph: Graph, reaction: int) -> Ints:
        """Return the species that a rate depends on: substrates, products of a reversible reaction, regulators."""
        members = (graph.rxn_all == reaction) & ((graph.role <= 0) | self.reversible[reaction])
        return np.union1d(graph.met_all[members], self.met_reg[self.rxn_reg == reaction])

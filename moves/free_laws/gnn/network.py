"""The network as the search sees it: its graph, what each rate may depend on, and the allowed columns.

It starts as it was given and may be supplemented, where the data call for it (`lacking.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from gnn.columns import columns_of
from gnn.laws import Participants, participants_of
from gnn.moieties import Moiety, conserving, moieties_of
from gnn.observations import Graph, Ints, Observations


@dataclass(frozen=True)
class Lack:
    """Something that a network does not state.

    Attributes:
        reaction: whose rate depends on `species` too; None if that metabolite is exchanged with the outside.
        effect: what it alone explains, once that is known: root mean square, relative to the rate or, for exchange, to
            what is observed of the metabolite; 1 at most.
    """

    reaction: int | None
    species: int
    effect: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Network:
    """A network with R reactions, exchange that was added counted.

    Attributes:
        graph: its edges and those of added exchange, which come last.
        participants, options: species in the rate, and allowed columns (K, D), of each reaction.
        moieties: sums that no column changes.
        added: what was given to it, in order.
    """

    graph: Graph
    participants: tuple[Participants, ...]
    options: tuple[Ints, ...]
    moieties: tuple[Moiety, ...]
    added: tuple[Lack, ...] = ()

    @property
    def exchanges(self) -> list[int]:
        """The metabolites of added exchange, in the order of its reactions, which come last."""
        return [lack.species for lack in self.added if lack.reaction is None]

    @property
    def settled(self) -> set[int]:
        """The metabolites whose exchange with the outside is known: a reaction has it, or their moiety is conserved."""
        members = np.bincount(self.graph.rxn_all, minlength=self.graph.n_reactions)
        conserved = (metabolite for moiety in self.moieties for metabolite in moiety.metabolites.tolist())
        return {*conserved, *self.graph.met_all[members[self.graph.rxn_all] == 1].tolist()}

    @property
    def n_given(self) -> int:
        """Number of reactions that the network had before."""
        return self.graph.n_reactions - len(self.exchanges)

    def supplemented(self, lacks: Iterable[Lack]) -> Network:
        """Return the network with all of these."""
        network = self
        for lack in lacks:
            network = network._exchanging(lack) if lack.reaction is None else network._regulated(lack, lack.reaction)
        return network

    def _regulated(self, lack: Lack, reaction: int) -> Network:
        participants = list(self.participants)
        own = participants[reaction]
        participants[reaction] = replace(own, regulators=np.append(own.regulators, lack.species))
        return replace(self, participants=tuple(participants), added=(*self.added, lack))

    def _exchanging(self, lack: Lack) -> Network:
        """Return the network with a reaction of this metabolite alone; its rate is negative for an outflow."""
        graph, none = self.graph, np.zeros(0, dtype=np.int64)
        graph = replace(
            graph,
            n_reactions=graph.n_reactions + 1,
            met_all=np.append(graph.met_all, lack.species),
            rxn_all=np.append(graph.rxn_all, graph.n_reactions),
            role=np.append(graph.role, np.int8(1)),
        )
        own = Participants(none, none, np.array([lack.species]))
        return replace(
            self,
            graph=graph,
            participants=(*self.participants, own),
            options=(*self.options, np.array([[1]])),
            added=(*self.added, lack),
        )


def network_of(observations: Observations) -> Network:
    """Return the network as it was given, without the columns that would change what is conserved."""
    graph, moieties = observations.graph, list[Moiety]()
    options = columns_of(graph, observations.constraints, observations.stated)
    for moiety in moieties_of(observations):
        kept = conserving(graph, options, moiety)
        if kept is not None:
            options = kept
            moieties.append(moiety)
    participants = tuple(participants_of(observations, reaction) for reaction in range(graph.n_reactions))
    return Network(graph, participants, tuple(options), tuple(moieties))

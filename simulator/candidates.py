"""What an observer is shown of a network: its edges, hidden among decoys where the regime asks for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.network import Graph, Ints, graph_of
from simulator.regime import Observation
from stoichloop.errors import RegimeError


def candidate_graph(stoichiometry: Ints, observation: Observation, rng: np.random.Generator) -> Graph:
    """The graph that is shown of S, shape (N, R): every edge of S, decoys, and the roles if they are told.

    With decoys, nothing but the data tells which candidates of a reaction are edges. Its decoys are metabolites
    drawn uniformly, as its true members were, and how many there are says nothing of how many members it has: all
    reactions show equally many substrates, and equally many products, up to one where the numbers do not
    divide, and who shows one more is drawn by lot. Had each reaction as many decoys as edges, half its
    candidates would be its number of members. Roles that are not told are drawn nevertheless, so that the same
    seed gives the same candidates either way.

    Raises `RegimeError` where the candidates cannot hide the largest reaction, or are more than there are metabolites.
    """
    roles = np.sign(stoichiometry)
    if observation.decoys:
        roles = roles + _decoys(roles, observation.decoys, rng)
    graph = graph_of(roles)
    return graph if observation.roles_told else replace(graph, role=np.zeros_like(graph.role))


def _decoys(roles: Ints, per_edge: float, rng: np.random.Generator) -> Ints:
    """Pretended roles of absent edges, shape (N, R)."""
    decoys = np.zeros_like(roles)
    missing = {side: _shown(roles == side, per_edge, rng) - (roles == side).sum(axis=0) for side in (-1, 1)}
    for reaction in range(roles.shape[1]):
        others = np.flatnonzero(roles[:, reaction] == 0)
        pretended = np.concatenate([np.full(count[reaction], side) for side, count in missing.items()])
        if len(pretended) > len(others):
            raise RegimeError(
                f"observation.decoys = {per_edge} asks for more candidates a reaction than network.metabolites = "
                f"{len(roles)}; lower observation.decoys or raise network.metabolites"
            )
        decoys[rng.choice(others, len(pretended), replace=False), reaction] = pretended
    return decoys


def _shown(members: NDArray[np.bool_], per_edge: float, rng: np.random.Generator) -> Ints:
    """How many candidates each reaction shows on one side, shape (R,), whatever its own members (N, R) there are."""
    reactions = members.shape[1]
    share, rest = divmod(round((1 + per_edge) * int(members.sum())), reactions)
    shown = np.full(reactions, share)
    shown[rng.choice(reactions, rest, replace=False)] += 1
    largest = int(members.sum(axis=0).max())
    if share < largest:
        raise RegimeError(
            f"observation.decoys = {per_edge} gives some reactions {share} candidates a side, too few to hide the "
            f"{largest} of the largest reaction; raise observation.decoys"
        )
    return shown

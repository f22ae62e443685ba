"""Candidate graph of a network: its edges, with decoys and without roles where the regime asks for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.network import Graph, Ints, graph_of
from simulator.regime import Observation
from stoichloop.errors import RegimeError


def candidate_graph(stoichiometry: Ints, observation: Observation, rng: np.random.Generator) -> Graph:
    """Return the shown graph of S, shape (N, R): every edge of S, decoys, and roles if `roles_told`.

    Only the data distinguish edges from decoys. The decoys of a reaction are drawn uniformly, like its members, and
    their number is independent of the number of members: all reactions show equally many substrates and equally many
    products. Where these do not divide, the reactions that show one more are drawn at random. (With as many decoys
    as edges in each reaction, half its candidates would give its number of members.) Roles are drawn even if they
    are hidden, so that a seed gives the same candidates either way.

    Raises `RegimeError` if the candidates cannot hide the largest reaction, or are more than the metabolites.
    """
    roles = np.sign(stoichiometry)
    if observation.decoys:
        roles = roles + _decoys(roles, observation.decoys, rng)
    graph = graph_of(roles)
    return graph if observation.roles_told else replace(graph, role=np.zeros_like(graph.role))


def _decoys(roles: Ints, per_edge: float, rng: np.random.Generator) -> Ints:
    """Draw the roles of decoys, shape (N, R)."""
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
    """Draw the number of candidates that each reaction shows on one side, shape (R,), from all `members`, (N, R)."""
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

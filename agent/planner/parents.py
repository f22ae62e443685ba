"""The choice of parents by UCB1. Accepted experiments form a tree; its nodes are the arms of a bandit.

    index_i = m_i + sigma sqrt(2 ln N / n_i)

with m_i the mean score of node i, n_i one more than the experiments proposed on it, N the sum of all n_i, and sigma the
noise, which is known: UCB1 of Auer, Cesa-Bianchi and Fischer (Machine Learning 47, 2002, theorem 1), its range of
rewards replaced by the standard deviation (Lattimore and Szepesvari, Bandit Algorithms, 2020, chapter 7).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from memory.leaderboard import incumbent, standing
from memory.records import Experiment, Role

# Of every five proposals three exploit, one explores and one tests a principle.
_ROLES: tuple[Role, ...] = ("exploit", "explore", "exploit", "principle", "exploit")


def upper_bounds(experiments: Sequence[Experiment], sigma: float, fidelity: str) -> dict[str, float]:
    """Return the index of every accepted experiment that has a score, by its id."""
    visits = Counter(e.parent for e in experiments if e.kind == "candidate")
    nodes = {e.id: line.score for e in experiments if e.accepted and (line := standing(e, fidelity)) is not None}
    total = sum(visits[name] + 1 for name in nodes)
    return {name: mean + sigma * math.sqrt(2.0 * math.log(total) / (visits[name] + 1)) for name, mean in nodes.items()}


def assign_roles(
    experiments: Sequence[Experiment], sigma: float, fidelity: str, count: int, pinned: Collection[str] = ()
) -> list[tuple[Role, Experiment]]:
    """Return a role and a parent for each of `count` proposals: exploration takes the node of the highest index.

    Roles go round over the campaign, however many are asked for at once. While experiments are `pinned`, these are the
    parents, in turn.
    """
    leader = incumbent(experiments)
    assert leader is not None
    bounds = upper_bounds(experiments, sigma, fidelity)
    highest = max(bounds, key=lambda name: (bounds[name], name))
    promising = next(e for e in experiments if e.id == highest)
    made = len(experiments) - 1  # the baseline was not proposed
    roles = (_ROLES[place % len(_ROLES)] for place in range(made, made + count))
    if pins := [e for e in experiments if e.id in pinned and e.accepted]:
        return [(role, pins[place % len(pins)]) for place, role in enumerate(roles, made)]
    return [(role, promising if role == "explore" else leader) for role in roles]

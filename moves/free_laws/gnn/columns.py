"""The integer columns of S that the regime allows for each reaction."""

from __future__ import annotations

import math
from functools import cache
from itertools import product

import numpy as np

from gnn.observations import Constraints, Graph, Ints


def columns_of(graph: Graph, constraints: Constraints) -> list[Ints]:
    """Return the allowed columns of every reaction, shape (K, D) for its D edges, small integers first."""
    return [
        _allowed(tuple(graph.role[graph.edges_of(reaction)].tolist()), constraints)
        for reaction in range(graph.n_reactions)
    ]


@cache
def _allowed(roles: tuple[int, ...], constraints: Constraints) -> Ints:
    """Return the columns for these roles; where no column keeps the mass balance, it does not bind."""
    signs = [(role,) if role else (-1, 1) for role in roles]
    choices = [sorted(sign * size for sign in own for size in constraints.alphabet) for own in signs]
    if constraints.may_be_absent:
        choices = [[0, *own] for own in choices]
    one_sided = len(roles) == 1 or roles in ((-1,) * len(roles), (1,) * len(roles))
    every = [column for column in product(*choices) if _fits(column, constraints, exchanges=one_sided)]
    balanced = [column for column in every if sum(column) == 0]
    found = balanced if constraints.mass_balanced and balanced else every
    return np.array(sorted(found, key=lambda column: (sum(map(abs, column)), column)), dtype=np.int64)


def _fits(column: tuple[int, ...], constraints: Constraints, *, exchanges: bool) -> bool:
    """Return whether a column keeps to the counts, has both sides or exchanges with the outside, and is primitive."""
    consumed, produced = sum(size < 0 for size in column), sum(size > 0 for size in column)
    if consumed > constraints.max_substrates or produced > constraints.max_products:
        return False
    if not exchanges and not (consumed and produced):
        return False
    return math.gcd(*column) == 1 or not constraints.primitive

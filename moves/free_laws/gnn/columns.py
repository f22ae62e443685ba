"""The integer columns of S that the regime allows for each reaction."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np

from gnn.observations import Constraints, Graph, Ints, Stated


def columns_of(graph: Graph, constraints: Constraints, stated: Stated) -> list[Ints]:
    """Return the allowed columns of every reaction, shape (K, D) for its D edges, small integers first."""
    found = []
    for reaction in range(graph.n_reactions):
        own = graph.edges_of(reaction)
        edges = zip(*(part[own].tolist() for part in (graph.role, stated.known, stated.tied)), strict=True)
        found.append(_allowed(tuple(edges), constraints, incomplete=bool(stated.incomplete[reaction])))
    return found


@cache
def _allowed(edges: tuple[tuple[int, int, int], ...], constraints: Constraints, *, incomplete: bool) -> Ints:
    """Return the columns for the role, the known coefficient and the tie of each edge.

    Where no column keeps the mass balance, it does not bind.
    """
    choices = [_choices(role, known, constraints) for role, known, _ in edges]
    whole = [column for column in product(*choices) if any(column)]
    agreeing = [column for column in whole if _tied(column, [tie for _, _, tie in edges])] or whole
    one_sided = len(edges) == 1 or {role for role, _, _ in edges} in ({-1}, {1})
    # A known coefficient fixes the length of a column, and members without a row may have any coefficient.
    free = replace(constraints, primitive=constraints.primitive and not incomplete and not any(k for _, k, _ in edges))
    every = [column for column in agreeing if _fits(column, free, exchanges=one_sided or incomplete)] or agreeing
    balanced = [column for column in every if sum(column) == 0]
    found = balanced if constraints.mass_balanced and balanced and not incomplete else every
    return np.array(sorted(found, key=lambda column: (sum(map(abs, column)), column)), dtype=np.int64)


def _choices(role: int, known: int, constraints: Constraints) -> list[int]:
    """Return the coefficients that an edge may have."""
    if known:
        return [known]
    signs = (role,) if role else (-1, 1)
    choices = sorted(sign * size for sign in signs for size in constraints.alphabet)
    return [0, *choices] if constraints.may_be_absent else choices


def _tied(column: tuple[int, ...], ties: list[int]) -> bool:
    """Return whether coefficients with the same tie have the same magnitude."""
    held = {(tie, abs(size)) for tie, size in zip(ties, column, strict=True) if tie}
    return len(held) == len({tie for tie, _ in held})


def _fits(column: tuple[int, ...], constraints: Constraints, *, exchanges: bool) -> bool:
    """Return whether a column keeps to the counts, has both sides or exchanges with the outside, and is primitive."""
    consumed, produced = sum(size < 0 for size in column), sum(size > 0 for size in column)
    if consumed > constraints.max_substrates or produced > constraints.max_products:
        return False
    if not exchanges and not (consumed and produced):
        return False
    return math.gcd(*column) == 1 or not constraints.primitive

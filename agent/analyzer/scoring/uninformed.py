"""Answers that learn nothing: integers that follow from the graph and the regime's statement, without any data.

Code that hands in one of them scores more than a baseline whose training was cut short, so the judge has to know what
they score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import numpy as np

from agent.analyzer.scoring.decode import candidates, decode, reaction_edges
from simulator.network import Graph, Ints
from simulator.regime import Constraints
from simulator.stated_columns import StatedColumns


def baseline(graph: Graph) -> Ints:
    """Return the trivial answer, shape (E,): 1 for every candidate edge, with the sign of its role if that is given."""
    return np.where(graph.role < 0, -1, 1)


def uninformed(graph: Graph, constraints: Constraints, stated: StatedColumns | None = None) -> tuple[Ints, ...]:
    """Return the trivial answer, what is decoded from it, and the most probable column of each reaction, (E,) each."""
    answers = baseline(graph), _likely(graph, constraints)
    return answers[0], *(decode(graph, answer.astype(float), constraints, stated) for answer in answers)


def _likely(graph: Graph, constraints: Constraints) -> Ints:
    """Return the columns with the most coefficients that are right on average over all allowed columns, shape (E,).

    Where roles are hidden or edges may be absent, the trivial answer stays.
    """
    likely = baseline(graph)
    if constraints.may_be_absent or not graph.role.all():
        return likely
    for members in reaction_edges(graph):
        role = graph.role[members]
        column = _expected(int(np.sum(role < 0)), int(np.sum(role > 0)), constraints)
        if column:
            likely[members[np.argsort(role, kind="stable")]] = column
    return likely


@cache
def _expected(substrates: int, products: int, constraints: Constraints) -> tuple[int, ...]:
    """Return the column that has most in common with a random order of a random allowed one; empty if none is allowed.

    Its coefficients ascend.
    """
    degree, sides = substrates + products, (range(size, size + 1) for size in (substrates, products))
    primitive, multiples = candidates(degree, *sides, constraints)
    found = [column * multiple for column, own in zip(primitive, multiples, strict=True) for multiple in own]
    if not found:
        return ()
    columns = np.array(found)
    orders = np.array([_orders(column[column < 0]) * _orders(column[column > 0]) for column in columns])
    values = np.unique(columns)
    counts = (columns[:, :, None] == values).sum(axis=1)
    share = orders @ counts / orders.sum() / [substrates if value < 0 else products for value in values]
    return tuple(columns[np.argmax(counts @ share)].tolist())


def _orders(side: Iterable[int]) -> float:
    """Return the number of different orders of the coefficients of one side."""
    counts = np.unique(np.array(side), return_counts=True)[1].tolist()
    return math.factorial(sum(counts)) / math.prod(map(math.factorial, counts))

"""Decoder of real coefficients to integers, without the truth.

Scaling a column of S and dividing its rate constant by the same factor gives nearly the same dynamics, so
the data determine the direction of a column better than its length. Each reaction is given the integer
column, among those that agree with what the regime states, with the smallest angle to the estimated one.
Where an integer column and its multiple both lie in the alphabet (all ones, all twos), the direction cannot
tell them apart; then the column's length decides, measured in units of the scale that the other columns
agree on. Nothing but the estimate and the regime's statement enters.

The smallest angle is found exactly, without going through all columns: of the columns that hold the same
integers in another order, the closest one has them in the order of the estimates (rearrangement inequality;
Hardy, Littlewood & Pólya 1934), so that one column for each multiset of integers is compared.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.regime import Constraints
from simulator.stated_columns import StatedColumns


@cache
def candidates(
    degree: int, substrates: range, products: range, constraints: Constraints
) -> tuple[Ints, tuple[tuple[int, ...], ...]]:
    """Return primitive integer columns in ascending order, shape (K, degree), and their allowed multiples."""
    alphabet = sorted(set(constraints.alphabet))
    columns = [
        [*(-value for value in reversed(minus)), *[0] * (degree - n_sub - n_pro), *plus]
        for n_sub in substrates
        for n_pro in products
        if n_sub + n_pro == degree or (n_sub + n_pro < degree and constraints.may_be_absent)
        for minus in combinations_with_replacement(alphabet, n_sub)
        for plus in combinations_with_replacement(alphabet, n_pro)
        if (sum(minus) == sum(plus) or not constraints.mass_balanced)
        and (math.gcd(*minus, *plus) == 1 or not constraints.primitive)
    ]
    if not columns:
        return np.zeros((0, degree), dtype=np.int64), ()
    divisors = np.gcd.reduce(columns, axis=1)
    primitive, members = np.unique(columns // divisors[:, None], axis=0, return_inverse=True)
    multiples = tuple(tuple(sorted(divisors[members.ravel() == row].tolist())) for row in range(len(primitive)))
    return primitive, multiples


def _sides(role: NDArray[np.int8], constraints: Constraints) -> tuple[range, range]:
    """Return the allowed numbers of substrates and of products of a reaction with roles of shape (D,).

    If only the integers are open, signs are left to the estimate, so that a wrong sign shows. Otherwise a reaction has
    at least one of each and at most what is stated and shown.
    """
    if role.all() and not constraints.may_be_absent:
        return range(len(role) + 1), range(len(role) + 1)
    most_substrates = min(constraints.max_substrates, int(np.sum(role <= 0)))
    most_products = min(constraints.max_products, int(np.sum(role >= 0)))
    return range(1, most_substrates + 1), range(1, most_products + 1)


def decode(graph: Graph, sto_all: Floats, constraints: Constraints, stated: StatedColumns | None = None) -> Ints:
    """Return the nearest consistent integers, shape (E,), for estimated coefficients of shape (E,).

    Zeros appear where edges may be absent; there, an edge whose role is told has its sign or is zero.
    A reaction that no integer column can serve (a single edge under mass balance) is rounded edge by edge.
    Coefficients that a user has `stated` are kept.
    """
    decoded = _decoded(graph, sto_all, constraints)
    return decoded if stated is None else _as_stated(graph, sto_all, constraints, stated, decoded)


def _as_stated(graph: Graph, sto_all: Floats, constraints: Constraints, stated: StatedColumns, decoded: Ints) -> Ints:
    """Return integers with the known coefficients, which fix the length of their columns, and with equal ties."""
    decoded, alphabet = decoded.copy(), np.array(constraints.alphabet)
    for members in reaction_edges(graph):
        known = stated.known[members]
        if not known.any():
            continue
        scale = float(known @ (sto_all[members] * (known != 0))) / float(known @ known)
        column = sto_all[members] / (scale if scale > 0 else 1.0)
        nearest = alphabet[np.abs(alphabet - np.abs(column)[:, None]).argmin(axis=1)]
        decoded[members] = np.where(known != 0, known, np.where(column < 0, -nearest, nearest))
    for group in range(1, int(stated.tied.max(initial=0)) + 1):
        tied = stated.tied == group
        magnitudes, counts = np.unique(np.abs(decoded[tied]), return_counts=True)
        decoded[tied] = np.sign(decoded[tied]) * magnitudes[counts.argmax()]
    return decoded


def _decoded(graph: Graph, sto_all: Floats, constraints: Constraints) -> Ints:
    """Return the nearest integers that agree with the constraints, shape (E,)."""
    decoded = np.zeros(len(sto_all), dtype=np.int64)
    ambiguous: list[tuple[NDArray[np.intp], tuple[int, ...], float]] = []
    scales: list[float] = []
    for members in reaction_edges(graph):
        role = graph.role[members]
        primitive, multiples = candidates(len(members), *_sides(role, constraints), constraints)
        if not len(primitive):
            column = sto_all[members]
            magnitude = np.clip(np.rint(np.abs(column)), min(constraints.alphabet), max(constraints.alphabet))
            decoded[members] = np.where(column < 0, -1, 1) * magnitude.astype(np.int64)
            continue
        # Integers ascend, so estimates do; substrates come first where roles bind.
        binding = role if constraints.may_be_absent else np.zeros_like(role)
        edges = members[np.lexsort((sto_all[members], binding))]
        column = sto_all[edges]
        best = int(np.argmax(primitive @ column / np.linalg.norm(primitive, axis=1)))
        chosen = primitive[best]
        decoded[edges] = chosen
        scale = float(chosen @ column / (chosen @ chosen))
        if len(multiples[best]) > 1:
            ambiguous.append((edges, multiples[best], scale))
        else:
            decoded[edges] *= multiples[best][0]
            scales.append(scale / multiples[best][0])
    unit = float(np.median(scales)) if scales else 1.0
    for edges, allowed, scale in ambiguous:
        decoded[edges] *= _nearest(scale / unit if unit > 0 else 1.0, allowed)
    return decoded


def _nearest(ratio: float, allowed: tuple[int, ...]) -> int:
    """Return the allowed multiple closest to `ratio` on a logarithmic scale."""
    return min(allowed, key=lambda multiple: abs(math.log(multiple) - math.log(max(ratio, 1e-12))))


def reaction_edges(graph: Graph) -> list[NDArray[np.intp]]:
    """Return the edge positions of each reaction that has any."""
    order = np.argsort(graph.rxn_all, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(graph.rxn_all[order])) + 1)
    return [group for group in groups if len(group)]

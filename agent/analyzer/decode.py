"""From real coefficients to integers, without the truth.

Scaling a column of S and dividing its rate constant by the same factor gives nearly the same dynamics, so
the magnitude of a column says little and its direction says much. Each reaction is given the integer
column (from the regime's alphabet, summing to zero where the regime states mass balance) with the
smallest angle to the estimated one. Where an integer column and its multiple both lie in the alphabet
(all ones, all twos), the direction cannot tell them apart; then the column's length decides, measured in
units of the scale that the other columns agree on. Nothing but the estimate and the regime's statement enters.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.network import Graph, Ints


@cache
def _candidates(
    degree: int, coefficients: tuple[int, ...], mass_balanced: bool
) -> tuple[Ints, tuple[tuple[int, ...], ...]]:
    """Primitive integer columns, shape (K, degree), and for each the multiples of it that the alphabet allows."""
    alphabet = sorted({sign * value for value in coefficients for sign in (-1, 1)})
    columns = np.array([c for c in itertools.product(alphabet, repeat=degree) if not mass_balanced or sum(c) == 0])
    if not len(columns):
        return np.zeros((0, degree), dtype=np.int64), ()
    divisors = np.gcd.reduce(columns, axis=1)
    primitive, members = np.unique(columns // divisors[:, None], axis=0, return_inverse=True)
    multiples = tuple(tuple(sorted(divisors[members.ravel() == row].tolist())) for row in range(len(primitive)))
    return primitive, multiples


def decode(graph: Graph, sto_all: Floats, coefficients: tuple[int, ...], *, mass_balanced: bool) -> Ints:
    """Nearest consistent integers, shape (E,), for estimated coefficients of shape (E,).

    A reaction that no integer column can serve (a single edge under mass balance) is rounded edge by edge.
    """
    decoded = np.zeros(len(sto_all), dtype=np.int64)
    ambiguous: list[tuple[NDArray[np.intp], tuple[int, ...], float]] = []
    scales: list[float] = []
    for edges in reaction_edges(graph):
        primitive, multiples = _candidates(len(edges), coefficients, mass_balanced)
        column = sto_all[edges]
        if not len(primitive):
            magnitude = np.clip(np.rint(np.abs(column)), min(coefficients), max(coefficients))
            decoded[edges] = np.where(column < 0, -1, 1) * magnitude.astype(np.int64)
            continue
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
    """The allowed multiple closest to `ratio` on a logarithmic scale."""
    return min(allowed, key=lambda multiple: abs(math.log(multiple) - math.log(max(ratio, 1e-12))))


def reaction_edges(graph: Graph) -> list[NDArray[np.intp]]:
    """Edge positions of each reaction that has any."""
    order = np.argsort(graph.rxn_all, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(graph.rxn_all[order])) + 1)
    return [group for group in groups if len(group)]

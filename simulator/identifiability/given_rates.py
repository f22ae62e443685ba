"""Coefficients that the observations can determine, given all rates exactly.

Given the rates v (frames x reactions), dc_i/dt = sum_j S_ij v_j is linear in row i of S, and mass
balance, sum_i S_ij = 0, is linear in column j. A direction in the space of coefficients that changes
neither any dc/dt nor any balance is a null vector of that joint system; a coefficient is identifiable
when no null vector moves it. This is an upper bound on what any method can recover linearly: it
leaves out the difficulty of learning the rates and the help of integrality. `given_form` and `column_lengths`
treat the case without rates. All shown edges count; the zero of an absent edge is a coefficient like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space, orth
from scipy.sparse.csgraph import connected_components

from simulator.kinetics import Floats
from simulator.network import Graph

# Singular values below this share of the largest are zero: rates are exact to the integrator's 1e-9.
TOLERANCE = 1e-7
# Unit vectors whose cosine is this close to 1 differ by less than about 1e-6: one rate, two reactions.
PARALLEL = 1e-12


@dataclass(frozen=True)
class Identifiability:
    """The analysis of one dataset.

    Attributes:
        edges: mask of the edges with an identifiable coefficient, shape (E,).
        proportional: groups of reactions whose rates are multiples of each other.
        null_dimension: number of independent directions that the data leave open.
        collinear: groups of edges coupled by these directions: an error in one is compensated by the others.
    """

    edges: NDArray[np.bool_]
    proportional: tuple[tuple[int, ...], ...]
    null_dimension: int
    collinear: tuple[tuple[int, ...], ...]


def analyse(graph: Graph, rates: Floats, *, mass_balanced: bool) -> Identifiability:
    """Analyse the null space of rates of shape (frames, R).

    Rates are scaled to unit norm: a change z_e there is a change z_e / |v_j| of the coefficient, and since
    that factor is common to a column, balance reads sum_e z_e = 0 in either scale.
    """
    length = np.linalg.norm(rates, axis=0)
    unit = rates / np.where(length > 0, length, 1.0)  # a reaction that never runs determines nothing
    free = directions_free_of_dynamics(graph, unit)
    if mass_balanced and free.shape[1]:
        balance = np.zeros((graph.n_reactions, free.shape[1]))
        np.add.at(balance, graph.rxn_all, free)
        free = free @ null_space(balance, rcond=TOLERANCE)
    return Identifiability(
        edges=np.abs(free).max(axis=1, initial=0.0) < np.sqrt(TOLERANCE),
        proportional=_proportional_groups(unit),
        null_dimension=free.shape[1],
        collinear=_tied_edges(free),
    )


def directions_free_of_dynamics(graph: Graph, unit: Floats) -> Floats:
    """Return a basis, shape (E, K), of the coefficient changes that leave every dc_i/dt unchanged."""
    columns: list[Floats] = []
    for metabolite in range(graph.n_metabolites):
        edges = np.flatnonzero(graph.met_all == metabolite)
        # The triangular factor has the kernel of the tall matrix at a fraction of the cost.
        triangle = np.linalg.qr(unit[:, graph.rxn_all[edges]], mode="r")
        kernel = null_space(triangle, rcond=TOLERANCE)
        block = np.zeros((len(graph.met_all), kernel.shape[1]))
        block[edges] = kernel
        columns.append(block)
    return np.concatenate(columns, axis=1)


def _tied_edges(free: Floats) -> tuple[tuple[int, ...], ...]:
    """Return groups of edges connected by the projection onto the open directions, whatever their basis."""
    basis = orth(free, rcond=TOLERANCE) if free.shape[1] else free
    loose = np.flatnonzero(np.abs(basis).max(axis=1, initial=0.0) >= np.sqrt(TOLERANCE))
    tied = (np.abs(basis[loose] @ basis[loose].T) >= TOLERANCE).astype(float)
    count, group = connected_components(tied, directed=False)
    groups = [tuple(loose[group == number].tolist()) for number in range(count)]
    return tuple(sorted(group for group in groups if len(group) > 1))


def _proportional_groups(unit: Floats) -> tuple[tuple[int, ...], ...]:
    """Return groups of reactions whose unit-norm rates coincide, smallest index first."""
    same = np.abs(unit.T @ unit) > 1.0 - PARALLEL  # reversible reactions may run opposite to each other
    groups: dict[int, list[int]] = {}
    for reaction in range(unit.shape[1]):
        first = min(int(np.argmax(same[reaction])), reaction)
        groups.setdefault(first, []).append(reaction)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)

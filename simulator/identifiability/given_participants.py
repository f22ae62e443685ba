"""Columns of S whose direction the observations determine, given only on what each rate depends.

Of each rate only its participants are known: it is some smooth function of them, here the true rate plus a polynomial
in the logarithms of their concentrations. Then dc_i/dt = sum_j S_ij v_j determines the product of a column and its rate
at best, so the length of a column is a convention (no common divisor), and the question is its direction.

Let column j turn by small angles, across itself and within mass balance where that is stated, and let every rate change
by a share of its root mean square. Both move dc/dt, which is known to `_KNOWN` of its root mean square. With a prior of
standard deviation 1 on angles and shares, the posterior of this linear problem is Gaussian, and a column is determined
if no angle of it keeps a standard deviation above `_TURNED`. Of columns of at most six coefficients 1 and 2, the
nearest differ by 0.31, so that three standard deviations are half of the way.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, null_space

from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.stated_kinetics import StatedKinetics

_KNOWN = 1e-3
_TURNED = 0.05
_FRAMES = 600
_DEGREES = {1: 6, 2: 4, 3: 3}  # of the polynomial, by the number of participants; of more, it is quadratic
_KEPT = 1e-2  # directions of a polynomial that vary less than this share of the largest one are left out


def directions_determined(
    graph: Graph, sto_all: Ints, stated: StatedKinetics, species: Floats, rates: Floats, *, mass_balanced: bool
) -> NDArray[np.bool_]:
    """Return the mask, shape (R,), of columns whose direction is determined.

    By species of shape (F, N + U), and the rates there, shape (F, R).
    """
    step = max(1, len(species) // _FRAMES)
    logs, rates = np.log(np.maximum(species[::step], 1e-12)), rates[::step]
    matrix = graph.matrix(sto_all)
    # In units of what is known of dc/dt; volumes cancel.
    precision = 1.0 / (_KNOWN * np.maximum(np.linalg.norm(rates @ matrix.T, axis=0), 1e-300))
    size = np.linalg.norm(rates, axis=0)
    turns, shares = _RateChanges(), _RateChanges()
    for reaction in range(graph.n_reactions):
        members = np.flatnonzero(matrix[:, reaction])
        column = matrix[members, reaction]
        known = np.stack([column, np.ones(len(column))]) if mass_balanced else column[None, :]
        across = np.zeros((graph.n_metabolites, max(0, len(column) - np.linalg.matrix_rank(known))))
        across[members] = np.linalg.norm(column) * null_space(known)
        turns.add(reaction, np.repeat(rates[:, [reaction]], across.shape[1], axis=1), across)
        basis = size[reaction] * _polynomial(logs[:, stated.participants(graph, reaction)])
        shares.add(reaction, basis, np.repeat(matrix[:, [reaction]], basis.shape[1], axis=1))
    return _spread(turns, shares, precision, graph.n_reactions) < _TURNED


class _RateChanges:
    """Moves of dc/dt, each a course over the frames times a vector over the metabolites, and their reactions."""

    def __init__(self) -> None:
        self.reactions: list[int] = []
        self._courses: list[Floats] = []
        self._vectors: list[Floats] = []

    def add(self, reaction: int, courses: Floats, vectors: Floats) -> None:
        """Add moves of a reaction: courses, shape (F, K), times vectors, shape (N, K)."""
        self.reactions += [reaction] * courses.shape[1]
        self._courses.append(courses)
        self._vectors.append(vectors)

    def product(self, other: _RateChanges, precision: Floats) -> Floats:
        """Return the inner products with other moves, metabolites weighted by `precision`, shape (N,)."""
        courses, vectors = ((np.concatenate(x, axis=1)) for x in (self._courses, self._vectors))
        others = np.concatenate(other._courses, axis=1), np.concatenate(other._vectors, axis=1)
        return np.asarray((courses.T @ others[0]) * ((vectors * precision[:, None] ** 2).T @ others[1]))


def _spread(turns: _RateChanges, shares: _RateChanges, precision: Floats, reactions: int) -> Floats:
    """Return the largest posterior standard deviation of an angle of each column, shape (R,)."""
    mixed = turns.product(shares, precision)
    free = shares.product(shares, precision)
    free[np.diag_indices_from(free)] += 1.0
    left = turns.product(turns, precision) - mixed @ cho_solve(cho_factor(free, overwrite_a=True), mixed.T)
    posterior = np.linalg.inv(left + np.eye(len(left)))
    owner, spread = np.array(turns.reactions), np.zeros(reactions)
    for reaction in np.unique(owner):
        block = posterior[np.ix_(owner == reaction, owner == reaction)]
        spread[reaction] = np.sqrt(np.linalg.eigvalsh(block)[-1])
    return spread


def _polynomial(logs: Floats) -> Floats:
    """Return orthonormal polynomials, shape (F, K), of the logarithms of participants, shape (F, P)."""
    spread = logs.std(axis=0)
    scaled = (logs - logs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    participants = logs.shape[1]
    terms = [
        np.prod(scaled[:, list(chosen)], axis=1)
        for degree in range(_DEGREES.get(participants, 2) + 1)
        for chosen in combinations_with_replacement(range(participants), degree)
    ]
    left, sizes, _ = np.linalg.svd(np.stack(terms, axis=1), full_matrices=False)
    return left[:, sizes > _KEPT * sizes[0]]

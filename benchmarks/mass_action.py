"""Integer search under mass action: a baseline for regimes in which each reaction has a rate law of its own.

The rate of a reaction is k prod c^m over its substrates, and minus such a term of its products where it is reversible.
Then dc/dt is linear in the rate constants once the integer columns are chosen. Columns are chosen one after the other
by what they leave unexplained, all rate constants being fitted anew for each. Multiples of a column have rates of other
orders, so they are tried too; where columns are primitive, the answer is divided at the end. Laws other than mass
action, regulators and inputs are not known to the method.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.decode import reaction_edges
from agent.analyzer.scoring.score import Scores
from benchmarks.answers import judge, observed_frames
from simulator.dataset import Dataset, FrozenData
from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.regime import Constraints

Edges = NDArray[np.intp]

_ROUNDS = 4
_RIDGE = 1e-9
_FRAMES = 1000


def mass_action(dataset: Dataset) -> Scores:
    """Return the scores of the columns that explain dc/dt best under mass action."""
    answer = mass_action_columns(dataset, dataset.regime.constraints)
    return judge(dataset, answer.astype(float), answer)


def mass_action_columns(data: FrozenData, constraints: Constraints) -> Ints:
    """Return the coefficients that explain dc/dt best, shape (E,). Roles must be known."""
    c, dcdt = observed_frames(data)
    step = -(-len(c) // _FRAMES)
    search = _ColumnChoice(data, constraints, c[::step], (dcdt * data.stated.volume)[::step])
    answer = data.graph.role.astype(np.int64)
    for _ in range(_ROUNDS):
        before = answer.copy()
        for edges in reaction_edges(data.graph):
            answer[edges] = search.best(answer, edges)
        if (answer == before).all():
            break
    if constraints.primitive:
        for edges in reaction_edges(data.graph):
            answer[edges] //= np.gcd.reduce(answer[edges])
    return answer


class _ColumnChoice:
    """The choice of one column, given all others."""

    def __init__(self, data: FrozenData, constraints: Constraints, concentration: Floats, change: Floats) -> None:
        """By concentrations and S times the rates, both of shape (F, N)."""
        size = np.sqrt(np.mean(change**2, axis=0))
        self._scale = np.where(size > 0, size, 1.0)
        self._change = change / self._scale
        self._logs = np.log(np.maximum(concentration, 1e-12))
        self._graph, self._constraints, self._reversible = data.graph, constraints, data.stated.reversible

    def best(self, answer: Ints, edges: Edges) -> Ints:
        """Return the column of the reaction at `edges` that explains most, given all others in `answer`, (E,)."""
        others = [self._terms(answer, group) for group in reaction_edges(self._graph) if group[0] != edges[0]]
        rates = np.concatenate([np.zeros((len(self._logs), 0)), *(terms for terms, _ in others)], axis=1)
        vectors = np.reshape([vector for terms, vector in others for _ in terms.T], (-1, len(self._scale))).T
        gram = (rates.T @ rates) * (vectors.T @ vectors)
        low = np.linalg.cholesky(gram + _RIDGE * np.trace(gram) / max(len(gram), 1) * np.eye(len(gram)))
        fitted = np.linalg.solve(low, np.einsum("fp,fp->p", rates, self._change @ vectors))
        options = []
        for column in _candidates(self._graph, edges, self._constraints):
            trial = answer.copy()
            trial[edges] = column
            terms, vector = self._terms(trial, edges)
            shared = np.linalg.solve(low, (rates.T @ terms) * (vectors.T @ vector)[:, None])
            own = (terms.T @ terms) * (vector @ vector)
            left = own - shared.T @ shared + _RIDGE * np.trace(own) * np.eye(len(own))
            rest = terms.T @ (self._change @ vector) - shared.T @ fitted
            gain = float(rest @ np.linalg.solve(left, rest))
            options.append((-gain, int(np.abs(column).sum()), tuple(column.tolist())))
        return np.array(min(options)[2])

    def _terms(self, answer: Ints, edges: Edges) -> tuple[Floats, Floats]:
        """Return the terms of a rate, shape (F, 1 or 2), and the column over the scales, shape (N,)."""
        metabolites, column = self._graph.met_all[edges], answer[edges]
        sides = (-1, 1) if self._reversible[self._graph.rxn_all[edges[0]]] else (-1,)
        orders = np.stack([np.maximum(column * side, 0) for side in sides], axis=1)
        logs = self._logs[:, metabolites] @ orders
        vector = np.zeros(self._graph.n_metabolites)
        vector[metabolites] = column / self._scale[metabolites]
        return np.exp(logs - logs.max(axis=0)), vector


def _candidates(graph: Graph, edges: Edges, constraints: Constraints) -> Iterator[Ints]:
    """Return the columns that agree with the roles of the graph and with what the regime states."""
    for magnitudes in product(constraints.alphabet, repeat=len(edges)):
        column = graph.role[edges].astype(np.int64) * np.array(magnitudes)
        if not (constraints.mass_balanced and column.sum()):
            yield column

"""The whole recovery: undecided columns and few wide features first, then features around the rates that were found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnn.clock import Clock
from gnn.columns import columns_of
from gnn.confidence import Confidence, confidence_of
from gnn.config import Configuration
from gnn.design import Design, design_of, rows_of, weighed
from gnn.features import near_features, wide_features
from gnn.laws import Saturations, participants_of
from gnn.observations import Floats, Graph, Ints, Observations
from gnn.search import OPEN, Search

_LEAST_SHARE = 1e-8  # of the variance of drawn laws, below which a component is none


@dataclass(frozen=True)
class Recovered:
    """The answer: integer coefficients (E,), root mean square of each rate (R,), and how sure each coefficient is."""

    sto_all: Ints
    size: Floats
    confidence: Confidence


def recover(observations: Observations, config: Configuration, seed: int, clock: Clock) -> Recovered:
    """Recover the integer column of every reaction."""
    generator = np.random.default_rng(seed)
    graph, rows = observations.graph, rows_of(observations, config.drift)
    tables = Saturations(rows.logs, generator)
    participants = [participants_of(observations, reaction) for reaction in range(graph.n_reactions)]
    options = columns_of(graph, observations.constraints)
    wide = [wide_features(tables, own, config.wide_features, _LEAST_SHARE, generator) for own in participants]
    search, rival = _started(design_of(rows, wide), graph, options, clock)
    passes = []
    for number in range(config.passes):
        rates, rows = _rates(search), weighed(rows, _left(search))
        near = [
            near_features(tables, own, rows.of, rates[:, reaction], config.near_features, generator)
            for reaction, own in enumerate(participants)
        ]
        search = Search(design_of(rows, near), graph, options, search.chosen)
        note = clock.of(search, number + 1)
        search.settle(note)
        rival = search.challenged(rival)
        search.judge(range(graph.n_reactions))
        passes.append(search.margins)
        if number == config.passes - 2:
            search.revise(note)
    margins = [tuple(one[reaction] for one in passes[-2:]) for reaction in range(graph.n_reactions)]
    sure = confidence_of(graph, options, margins, search.chosen, rows.target.size)
    return Recovered(search.integers, _size(search), sure)


def _started(design: Design, graph: Graph, options: list[Ints], clock: Clock) -> tuple[Search, Ints]:
    """Return a settled search that decided the surest columns first, and the choices of one from the smallest columns.

    Where rates can make up for wrong columns of each other, as around cycles, the first decisions may mislead all later
    ones; where most coefficients are 1, the second start is near. Wide features are too rough to compare the two.
    """
    first, second = (Search(design, graph, options, np.full(graph.n_reactions, start)) for start in (OPEN, 0))
    for search in (first, second):
        note = clock.of(search, 0)
        search.decide(note)
        search.settle(note)
    return first, second.chosen


def _rates(search: Search) -> Floats:
    """Return what each column of unit length should carry: its rate, and what is left unexplained along it (n, R)."""
    rates, columns = _fitted(search), search.system.columns.numpy()
    return np.asarray(rates + (search.design.rows.target - rates @ columns) @ columns.T)


def _left(search: Search) -> Floats:
    """Return what rates and columns leave unexplained, in rows, shape (n, N)."""
    return np.asarray(search.design.rows.target - _fitted(search) @ search.system.columns.numpy())


def _fitted(search: Search) -> Floats:
    weights, ends = search.system.weights.numpy(), search.system.normal.ends
    parts = [own @ weights[ends[j] : ends[j + 1]] for j, own in enumerate(search.design.features)]
    return np.stack(parts, axis=1)


def _size(search: Search) -> Floats:
    """Return the root mean square of the rates of integer columns, in rows, shape (R,)."""
    metabolites, scale = search.graph.met_all, search.design.rows.scale
    length = np.bincount(search.graph.rxn_all, (search.integers / scale[metabolites]) ** 2, search.graph.n_reactions)
    return np.asarray(np.sqrt(np.mean(_fitted(search) ** 2, axis=0) / np.maximum(length, 1e-300)))

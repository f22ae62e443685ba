"""The certainty of each coefficient: a probability, the runner-up, and the price of taking it.

The evidence of a column rests on features that describe rates nearly, not exactly, and on the other columns being
right. Several passes with features of different laws judge each column, and the least certain of them counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnn.observations import Floats, Graph, Ints
from gnn.search import prior_odds

_SURE, _POSSIBLE = 0.9, 0.05  # least probability of a coefficient, of a column
_MENTION = 2.0  # twice the log of a Bayes factor, below which it is no evidence (Kass & Raftery 1995)


@dataclass(frozen=True)
class Confidence:
    """Of each edge, shape (E,).

    Attributes:
        probability: that its coefficient is right. runner_up: the most probable other integer, 0 if there is none.
        price: rise of the unexplained sum of squares with the runner-up, as a share of it; 0 where only the odds that
            coefficients have before any data speak against the runner-up.
    """

    probability: Floats
    runner_up: Floats
    price: Floats


def confidence_of(
    graph: Graph, options: Sequence[Ints], margins: list[tuple[Floats, ...]], chosen: Ints, rows: Sequence[float]
) -> Confidence:
    """Return the confidence in the chosen columns, from twice the log evidence of all, for each pass.

    `rows` is the number of data that the evidence of each pass counts.
    """
    found = Confidence(*np.zeros((3, len(graph.met_all))))
    for reaction, columns in enumerate(options):
        share = _cautious(np.stack(margins[reaction]))
        told = np.stack(margins[reaction]) + prior_odds(columns)
        for edge, values, own in zip(graph.edges_of(reaction), columns.T, columns[chosen[reaction]], strict=True):
            integers, place = np.unique(values, return_inverse=True)
            if len(integers) == 1:
                found.probability[edge] = 1.0
                continue
            chance = np.bincount(place, share)
            other = np.where(integers == own, -1.0, chance).argmax()
            found.probability[edge], found.runner_up[edge] = min(chance[integers == own][0], 1.0), integers[other]
            best = told[:, values == own].max(axis=1)
            if np.min(best - told[:, values != own].max(axis=1)) >= _MENTION:
                dearer = np.mean((best - told[:, place == other].max(axis=1)) / np.array(rows))
                found.price[edge] = np.expm1(min(dearer, 10.0))
    return found


def answered(options: Sequence[Ints], margins: list[tuple[Floats, ...]]) -> Ints:
    """Return the column to answer with for each reaction, shape (R,).

    It is the most probable one, or one that may be right with more coefficients of magnitude 1, if that contradicts no
    coefficient that is sure: 99 of 100 coefficients of published models are 1.
    """
    return np.array(
        [_answered(columns, _cautious(np.stack(own))) for columns, own in zip(options, margins, strict=True)]
    )


def _answered(columns: Ints, share: Floats) -> int:
    allowed = np.ones(len(share), dtype=bool)
    for values in columns.T:
        own = values == values[np.argmax([share[values == value].sum() for value in values])]
        if share[own].sum() >= _SURE:
            allowed &= own
    share = np.where(allowed, share, 0.0)
    departures = np.sum(np.abs(columns) != 1, axis=1)
    order = np.lexsort((-share, departures))
    return int(order[np.argmax(share[order] >= min(_POSSIBLE, share.max()))])


def _cautious(margins: Floats) -> Floats:
    """Return the probability of each column (K,) from margins (passes, K): that of the pass that tells them least."""
    least = margins.max(axis=0)
    share = np.exp((least - least.max()) / 2.0)
    return np.asarray(share / share.sum())

"""Conserved moieties: weighted sums of amounts that no reaction changes.

They are the left null space of S, and show in c(t) without any rate law (Famili & Palsson 2003, Biophys. J. 85, 16).
Candidates are the sets of metabolites of which every reaction consumes one and produces another. The readings decide
which weighted sums are constant, and with which weights; columns that would change such a sum are not allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gnn.observations import Floats, Graph, Ints, Observations

_MOST_MEMBERS, _MOST_SETS = 12, 400  # of a set, and of those looked at around each metabolite
_LARGEST = 4  # weight
_LEAST_SHARE, _ROUNDING = 1e-9, 1e-6  # of the size of a sum: the least error, and errors that are none
_CORRELATION = 0.2  # of the errors of neighbouring frames, below which a sum is constant
_AGAINST = 50.0  # twice the log likelihood by which all other weights must fall short

_Members = list[tuple[int, int]]  # metabolite and role of each edge of a reaction


@dataclass(frozen=True)
class Moiety:
    """A conserved sum: its metabolites, shape (K,), and their weights, shape (K,)."""

    metabolites: Ints
    weights: Floats


def moieties_of(observations: Observations) -> list[Moiety]:
    """Return the conserved moieties that are stated, then those that the readings show."""
    stated = [Moiety(np.flatnonzero(total), total[total != 0.0]) for total in observations.stated.conserved]
    return stated + _shown(observations)


def _shown(observations: Observations) -> list[Moiety]:
    readings, sets = _Readings(observations), dict[frozenset[int], None]()
    edges = _edges(observations.graph)
    for metabolite in range(observations.graph.n_metabolites):
        sets.update(dict.fromkeys(_closed(edges, metabolite)))
    found = (readings.conserved(np.array(sorted(members))) for members in sets)
    return [moiety for moiety in found if moiety is not None]


def conserving(graph: Graph, options: Sequence[Ints], moiety: Moiety) -> list[Ints] | None:
    """Return the columns of each reaction that do not change the moiety; None where a reaction would keep none."""
    weight = np.zeros(graph.n_metabolites)
    weight[moiety.metabolites] = moiety.weights
    kept = [
        columns[np.abs(columns @ weight[graph.met_all[graph.edges_of(reaction)]]) < _ROUNDING]
        for reaction, columns in enumerate(options)
    ]
    return kept if all(map(len, kept)) else None


def determined(moieties: Sequence[Moiety], observations: Observations) -> list[int]:
    """Return one metabolite for each independent moiety, that with the largest amounts: the others determine them."""
    size = np.sqrt(np.mean((observations.concentration * observations.volume) ** 2, axis=(0, 1)))
    sums = np.zeros((len(moieties), len(size)))
    for row, moiety in zip(sums, moieties, strict=True):
        row[moiety.metabolites] = moiety.weights
    found: list[int] = []
    for number in range(len(sums)):
        row = np.where(np.abs(sums[number]) > _ROUNDING, sums[number], 0.0)
        if row.any():  # it does not follow from those before, which were eliminated from it
            place = int(np.argmax((row != 0.0) * size))
            sums -= np.outer(sums[:, place] / row[place], row)
            found.append(place)
    return found


def _edges(graph: Graph) -> list[_Members]:
    every = (graph.edges_of(reaction) for reaction in range(graph.n_reactions))
    return [list(zip(graph.met_all[own].tolist(), graph.role[own].tolist(), strict=True)) for own in every]


def _closed(edges: list[_Members], start: int) -> Iterator[frozenset[int]]:
    """Yield sets around a metabolite of which no reaction only consumes or only produces members."""
    waiting, seen = [frozenset({start})], {frozenset({start})}
    for _ in range(_MOST_SETS):
        if not waiting:
            return
        own = waiting.pop()
        wanted = [partners for reaction in edges if (partners := _partners(own, reaction)) is not None]
        if not wanted:
            yield own
        elif len(own) < _MOST_MEMBERS:
            larger = [own | {partner} for partner in min(wanted, key=len)]
            waiting += [one for one in larger if one not in seen]
            seen.update(larger)


def _partners(own: frozenset[int], reaction: _Members) -> list[int] | None:
    """Return the metabolites that could balance a reaction; None if it avoids the set, or if members balance it."""
    inside = [role for metabolite, role in reaction if metabolite in own]
    if not inside or (len(inside) > 1 and (0 in inside or len(set(inside)) > 1)):
        return None
    return [metabolite for metabolite, role in reaction if metabolite not in own and (role == 0 or role not in inside)]


class _Readings:
    """Amounts less their mean in each trajectory, shape (T, F, N), and their size there, shape (T, N)."""

    def __init__(self, observations: Observations) -> None:
        amounts = observations.concentration * observations.volume
        self.moved = amounts - amounts.mean(axis=1, keepdims=True)
        self.size = np.sqrt(np.mean(amounts**2, axis=1))

    def conserved(self, members: Ints) -> Moiety | None:
        """Return the weighted sum of all these metabolites that is constant; None if none is, or if several are."""
        moved, size = self.moved[..., members], self.size[:, members]
        misfit = partial(_misfit, moved, size)
        best = min((_descended(misfit, start) for start in _starts(moved, size)), key=misfit)
        clear = all(misfit(other) > misfit(best) + _AGAINST for other in _neighbours(best, 0))
        return Moiety(members, best.astype(np.float64)) if clear and _constant(moved @ best, size @ best) else None


def _misfit(moved: Floats, size: Floats, weights: Ints) -> float:
    """Return minus twice the log likelihood that a weighted sum is constant, with noise as a share of each reading."""
    of = np.sqrt(size**2 @ weights**2)
    share = float(np.mean((moved @ weights / of[:, None]) ** 2))
    return float(moved[..., 0].size * math.log(max(share, _LEAST_SHARE**2)) + 2.0 * moved.shape[1] * np.log(of).sum())


def _constant(sums: Floats, size: Floats) -> bool:
    """Return whether sums (T, F) of this size (T,) err alone: hardly, or so that errors do not follow each other."""
    errors = sums / size[:, None]
    power = float(np.mean(errors**2))
    return power < _ROUNDING**2 or float(np.mean(errors[:, 1:] * errors[:, :-1])) < _CORRELATION * power


def _starts(moved: Floats, size: Floats) -> list[Ints]:
    """Return weights of 1, and the direction that varies least for its noise, rounded."""
    unit = np.sqrt(np.mean(size**2, axis=0))
    scaled = (moved / unit).reshape(-1, len(unit))
    direction = np.abs(np.linalg.eigh(scaled.T @ scaled)[1][:, 0]) / unit
    ratios = direction / max(direction.min(), direction.max() / _LARGEST)
    return [np.ones(len(unit), dtype=np.int64), _primitive(np.maximum(np.rint(ratios).astype(np.int64), 1))]


def _descended(misfit: Callable[[Ints], float], weights: Ints) -> Ints:
    """Change one weight after another for as long as the sum becomes more constant."""
    while True:
        best = min(_neighbours(weights, 1), key=misfit, default=weights)
        if misfit(best) >= misfit(weights):
            return weights
        weights = best


def _neighbours(weights: Ints, lowest: int) -> list[Ints]:
    """Return the sums with one other weight, from the lowest on; a weight of 0 leaves a metabolite out."""
    found = []
    for place in range(len(weights)):
        for value in range(lowest, _LARGEST + 1):
            other = weights.copy()
            other[place] = value
            if other.any() and not np.array_equal(other := _primitive(other), weights):
                found.append(other)
    return found


def _primitive(weights: Ints) -> Ints:
    return np.asarray(weights // math.gcd(*weights.tolist()))

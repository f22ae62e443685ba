"""Conserved moieties: weighted sums of amounts that no reaction changes.

They are the left null space of S, and show in c(t) without any rate law (Famili & Palsson 2003, Biophys. J. 85, 16).
Candidates are sets of metabolites: a reaction that consumes a member produces another, and the reverse. The readings
decide which weighted sums are constant, and with which weights; columns that would change such a sum are not allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.observations import Floats, Graph, Ints, Observations

_MOST_MEMBERS, _MOST_SETS = 12, 400  # of a set, and of those looked at around each metabolite
_LARGEST = 4  # weight
_LEAST_SHARE, _ROUNDING = 1e-9, 1e-6  # of the size of a sum: the least error, and errors that are none
_LEAST_FRAMES = 8  # of a trajectory
_BEYOND = 4.0  # standard deviations of what chance lets neighbouring frames tell of the errors of a constant sum
_AGAINST = 50.0  # twice the log likelihood by which all other weights must fall short

_Members = list[tuple[int, int]]  # metabolite and role of each edge of a reaction


@dataclass(frozen=True)
class Moiety:
    """A conserved sum: its metabolites, shape (K,), and their weights, shape (K,)."""

    metabolites: Ints
    weights: Floats


def moieties_of(observations: Observations) -> list[Moiety]:
    """Return independent conserved moieties: those that are stated, then those that the readings show."""
    stated = [
        Moiety(np.flatnonzero(total), total[total != 0.0] / np.abs(total).max())
        for total in observations.stated.conserved
        if total.any()
    ]
    kept: list[Moiety] = []
    for moiety in stated + _shown(observations):
        if len(determined([*kept, moiety], observations)) > len(kept):
            kept.append(moiety)
    return kept


def _shown(observations: Observations) -> list[Moiety]:
    amounts, sets = observations.concentration * observations.volume, dict[frozenset[int], None]()
    around = _around(observations.graph)
    for metabolite in range(observations.graph.n_metabolites):
        sets.update(dict.fromkeys(_closed(around, metabolite)))
    found: dict[frozenset[int], Moiety] = {}
    for members in sorted(sets, key=lambda one: (len(one), sorted(one))):
        # What holds a smaller total may hold any multiple of it besides.
        if not any(smaller <= members for smaller in found):
            moiety = _conserved(amounts, observations.gaps, np.array(sorted(members)))
            if moiety is not None:
                found[members] = moiety
    return list(found.values())


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
    """Return one metabolite for each independent moiety, which the others determine.

    It is the one with the fewest readings, of these the one with the largest amounts.
    """
    size = np.sqrt(np.mean((observations.concentration * observations.volume) ** 2, axis=(0, 1)))
    order = np.lexsort((-size, (~observations.gaps).sum(axis=(0, 1))))
    sums = np.zeros((len(moieties), len(size)))
    for row, moiety in zip(sums, moieties, strict=True):
        row[moiety.metabolites] = moiety.weights
    found: list[int] = []
    for number in range(len(sums)):
        row = np.where(np.abs(sums[number]) > _ROUNDING, sums[number], 0.0)
        if row.any():  # it does not follow from those before, which were eliminated from it
            place = int(order[row[order] != 0.0][0])
            sums -= np.outer(sums[:, place] / row[place], row)
            found.append(place)
    return found


def _around(graph: Graph) -> list[list[_Members]]:
    """Return the reactions of each metabolite, each with its metabolites and roles."""
    around: list[list[_Members]] = [[] for _ in range(graph.n_metabolites)]
    for reaction in range(graph.n_reactions):
        own = graph.edges_of(reaction)
        members = list(zip(graph.met_all[own].tolist(), graph.role[own].tolist(), strict=True))
        for metabolite, _ in members:
            around[metabolite].append(members)
    return around


def _closed(around: list[list[_Members]], start: int) -> Iterator[frozenset[int]]:
    """Yield sets around a metabolite; a reaction that consumes a member produces another, and the reverse."""
    waiting, seen = [frozenset({start})], {frozenset({start})}
    for _ in range(_MOST_SETS):
        if not waiting:
            return
        own = waiting.pop()
        near = (reaction for metabolite in sorted(own) for reaction in around[metabolite])
        wanted = [partners for reaction in near if (partners := _partners(own, reaction)) is not None]
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


def _conserved(amounts: Floats, gaps: NDArray[np.bool_], members: Ints) -> Moiety | None:
    """Return the weighted sum of all these metabolites that is constant; None if none is, or if several are.

    Amounts, and the mask of missing readings, have shape (T, F, N).
    """
    seen = np.all(~gaps[..., members], axis=2)
    whole = seen.sum(axis=1) >= _LEAST_FRAMES
    amounts = amounts[whole][..., members]
    if not whole.any() or not np.isfinite(amounts).all():
        return None
    sums = _Sums(amounts, seen[whole])
    if not (sums.size > 0.0).all():
        return None
    best = min((_descended(sums.misfit, start) for start in _starts(sums.moved, sums.size)), key=sums.misfit)
    clear = all(sums.misfit(other) > sums.misfit(best) + _AGAINST for other in _neighbours(best, 0))
    return Moiety(members, best.astype(np.float64)) if clear and sums.constant(best) else None


class _Sums:
    """Weighted sums of some metabolites, in the frames in which all of them were read.

    Attributes:
        seen: true for these frames, shape (T, F). size: of the amounts in them, shape (T, K).
        moved: amounts less their mean in each trajectory, 0 in other frames, shape (T, F, K).
    """

    def __init__(self, amounts: Floats, seen: NDArray[np.bool_]) -> None:
        own, count = seen[..., None], seen.sum(axis=1)[:, None]
        self.seen, self.size = seen, np.sqrt((amounts**2 * own).sum(axis=1) / count)
        self.moved = (amounts - (amounts * own).sum(axis=1, keepdims=True) / count[:, None]) * own

    def misfit(self, weights: Ints) -> float:
        """Return minus twice the log likelihood that a sum is constant, with noise as a share of each reading."""
        of, count = np.sqrt(self.size**2 @ weights**2), int(self.seen.sum())
        share = float(np.sum((self.moved @ weights / of[:, None]) ** 2)) / count
        return count * math.log(max(share, _LEAST_SHARE**2))

    def constant(self, weights: Ints) -> bool:
        """Return whether a sum errs alone: hardly, or so that nothing tells its errors beforehand.

        The noise of other frames is independent. So if the time, or the neighbouring readings of the members, tell
        anything of the errors, the sum is not constant.
        """
        moved, errors = self.moved, (self.moved @ weights) / (self.size @ weights)[:, None]
        if np.sum(errors**2) < _ROUNDING**2 * np.sum(self.seen):
            return True
        spread, parts = np.sqrt(np.mean(moved**2, axis=(0, 1))), []
        for one, own, read in zip(moved, errors, self.seen, strict=True):
            near, times = one[read] / spread, np.linspace(-1.0, 1.0, len(read))[read]
            parts.append(np.column_stack([near[:-2] + near[2:], times[1:-1], own[read][1:-1]]))
        table = np.concatenate(parts)
        telling, told, count = table[:, :-1], table[:, -1], table.shape[1] - 1
        if len(told) <= count:
            return False
        left = told - telling @ np.linalg.lstsq(telling, told, rcond=1e-8)[0]
        gain = -len(told) * math.log(max(float(np.sum(left**2) / np.sum(told**2)), 1e-12))
        return bool(gain < count + _BEYOND * math.sqrt(2.0 * count))


def _starts(moved: Floats, size: Floats) -> list[Ints]:
    """Return weights of 1, and the direction that varies least for its size, rounded at several lengths."""
    unit = np.sqrt(np.mean(size**2, axis=0))
    scaled = (moved / unit).reshape(-1, len(unit))
    direction = np.abs(np.linalg.eigh(scaled.T @ scaled)[1][:, 0]) / unit
    found = [np.ones(len(unit), dtype=np.int64)]
    for length in (direction.max(), max(direction.min(), direction.max() / _LARGEST)):
        for lead in range(1, _LARGEST + 1):
            rounded = np.rint(direction / length * lead).astype(np.int64)
            found.append(_primitive(np.clip(rounded, 1, _LARGEST)))
    return found


def _descended(misfit: Callable[[Ints], float], weights: Ints) -> Ints:
    """Change one weight after another for as long as the sum becomes more constant."""
    while True:
        best = min(_neighbours(weights, 1), key=misfit, default=weights)
        if not misfit(best) < misfit(weights):
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

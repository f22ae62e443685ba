"""The lacks of a network: regulators that it does not state, and exchange with the outside.

A rate whose law misses a species leaves a trace: what remains unexplained follows the rate times some function of that
species. Each candidate is priced like a column, with all present rates refitted (a Schur complement). Candidates come
only where laws leave more unexplained than laws of the right participants do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gnn.gaps import seen
from gnn.network import Lack, Network
from gnn.observations import Floats, Ints
from gnn.search import Search
from gnn.system import block

_EXPLAINED = 0.002  # share of the targets, root mean square, that laws of the right participants may leave
_LEAST_SHARE = 0.003  # of the unexplained sum of squares, for which an addition is worth the trouble
_AGAINST = 99.0  # prior odds against the whole of the candidates
_BESIDE = 0.5  # of the largest share, from which a candidate is added together with the best
_FARTHEST = 3.0  # standard deviations of a log concentration
_CONSTANT = 1e-3  # standard deviation of a log concentration, below which a species does not vary
_JITTER = 1e-4


@dataclass(frozen=True)
class _Priced:
    share: float  # of the unexplained sum of squares that goes away
    lack: Lack


def lacking(search: Search, network: Network, features: list[Floats]) -> list[Lack]:
    """Return what should be added to the network together, the most explaining first; none if it seems complete.

    `features` (m, P_j) are those of each rate where it is evaluated.
    """
    left = search.left
    rows = search.design.rows
    size = np.sum(seen(rows.gaps, rows.target) ** 2, axis=0)
    if np.mean(np.sqrt(np.sum(left**2, axis=0) / np.where(size > 0, size, 1.0))) < _EXPLAINED:
        return []
    problem = _Problem(search, left)
    found = problem.exchanges(network.settled)
    for reaction, own in enumerate(network.participants[: network.n_given]):
        stated = np.concatenate(list(vars(own).values()))
        found += problem.regulators(reaction, features[reaction], stated)
    found.sort(key=lambda one: -one.share)
    price = 2.0 * math.log(_AGAINST * max(len(found), 1))
    worth = max(_LEAST_SHARE, -math.expm1(-price / rows.counts.sum()))
    return _apart(search, [one for one in found if one.share >= max(worth, _BESIDE * found[0].share)])


def _apart(search: Search, priced: list[_Priced]) -> list[Lack]:
    """Return those that touch no metabolite of one before: they would explain the same."""
    taken: set[int] = set()
    found = []
    for one in priced:
        reaction = one.lack.reaction
        touched = {one.lack.species} if reaction is None else set(search.metabolites[reaction].tolist())
        if not touched & taken:
            taken |= touched
            found.append(one.lack)
    return found


class _Problem:
    """The solved system, to which features can be added."""

    def __init__(self, search: Search, left: Floats) -> None:
        self.search, self.rows, self.fitted = search, search.design.rows, search.fitted
        self.left = torch.from_numpy(left)
        self.total = max(float(self.left.square().sum()), 1e-300)
        self.every = torch.from_numpy(np.concatenate(search.design.features, 1))
        spread = self.rows.logs.std(axis=0)
        self.varying = np.flatnonzero(spread > _CONSTANT)
        centred = (self.rows.logs - self.rows.logs.mean(axis=0)) / np.maximum(spread, _CONSTANT)
        self.standard = np.clip(centred, -_FARTHEST, _FARTHEST)

    def regulators(self, reaction: int, features: Floats, stated: Ints) -> list[_Priced]:
        """Price every species that varies and is not stated: it may scale the rate by a function of its logarithm."""
        column = self.search.system.columns[reaction]
        rate = features @ np.linalg.lstsq(self.rows.of(features), self.fitted[:, reaction], rcond=1e-8)[0]
        species = np.setdiff1d(self.varying, stated)
        of = self.standard[:, species]
        factors = np.stack([of, of**2 - 1.0], axis=2) * rate[:, None, None]
        shares = self._shares(column, factors.reshape(len(rate), 2 * len(species)))
        return [_Priced(share, Lack(reaction, int(one))) for share, one in zip(shares, species, strict=True)]

    def exchanges(self, stated: set[int]) -> list[_Priced]:
        """Price a feed and an outflow of each metabolite."""
        found = []
        for metabolite in sorted(set(range(self.left.shape[1])) - stated):
            column = torch.zeros(self.left.shape[1], dtype=torch.float64)
            column[metabolite] = 1.0
            concentration = np.exp(self.rows.logs[:, metabolite])
            share = self._shares(column, np.stack([np.ones_like(concentration), concentration], axis=1))[0]
            found.append(_Priced(share, Lack(None, metabolite)))
        return found

    def _shares(self, column: Tensor, features: Floats) -> list[float]:
        """Return the share of the unexplained that each pair of features (m, 2 K) explains along a column (N,)."""
        system, rows = self.search.system, torch.from_numpy(self.rows.of(features))
        rows = rows / rows.norm(dim=0).clamp_min(1e-300)
        along = system.columns @ column
        others = torch.nonzero((along != 0)[system.unit])[:, 0]
        coupling = (self.every[:, system.place[others]].T @ rows) * along[system.unit[others]].unsqueeze(1)
        inverse = block(system.inverse, others, others)
        pairs = rows.T.reshape(-1, 2, len(rows))
        coupled = coupling.T.reshape(len(pairs), 2, len(others))
        metric = pairs @ pairs.mT - coupled @ inverse @ coupled.mT + _JITTER * torch.eye(2, dtype=torch.float64)
        pull = (pairs @ (self.left @ column)).unsqueeze(2)
        explained = (pull * torch.linalg.solve(metric, pull)).sum((1, 2))
        shares: list[float] = (explained / self.total).clamp(0.0, 1.0).tolist()
        return shares

"""Ridge regression of all rates at once, and the price of every column of one reaction with all other rates refitted.

Rows are metabolites times frames, so the Gram matrix of all features is the elementwise product of that of the columns
and that of the features. With the inverse at hand, the best fit for another column of one reaction is a Schur
complement among the reactions that share a metabolite with it. A reaction that is not decided has a rate of its own at
each of its edges: it is as many units as it has edges, a decided one is a single unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gnn.design import Design
from gnn.gaps import lost, seen

_LEAST_NOISE = 1e-7  # share of the mean square of the targets
_JITTER, _JITTERS = 1e-9, 9  # of a feature's own power: rounding error, and powers of ten that it may grow by
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-4, 1e2  # of the weights; 1 explains all


@dataclass(frozen=True)
class Normal:
    """The products of features and targets, which do not depend on columns.

    Attributes:
        overlap: Gram matrix of the features of all reactions, shape (Q, Q). cross: features times targets, (Q, N).
        power: prior variance of each weight, relative to its reaction's, shape (Q,).
        ends: first and last places of the features of each reaction, shape (R + 1,).
        total: sum of squares of the targets. rows: their number. Missing readings count in neither, nor in `cross`.
        lost: parts of the features that missing readings of each metabolite take, (G, Q) each; none without gaps.
    """

    overlap: Tensor
    cross: Tensor
    power: Tensor
    ends: list[int]
    total: float
    rows: int
    lost: tuple[Tensor, ...]

    def places(self, reaction: int) -> Tensor:
        """Return the places of the features of a reaction."""
        return torch.arange(self.ends[reaction], self.ends[reaction + 1])

    def overlap_at(self, metabolites: Tensor, features: Tensor, others: Tensor) -> Tensor:
        """Return the Gram matrix of features and others in the rows of each metabolite, shape (D, F, O)."""
        every = block(self.overlap, features, others).expand(len(metabolites), -1, -1)
        if not self.lost:
            return every
        missing = (self.lost[metabolite] for metabolite in metabolites.tolist())
        return every - torch.stack([own[:, features].T @ own[:, others] for own in missing])


def normal_of(design: Design) -> Normal:
    """Return the products of a design."""
    rows, features = design.rows, np.concatenate(design.features, 1)
    every, target = torch.from_numpy(features), torch.from_numpy(seen(rows.gaps, rows.target))
    return Normal(
        overlap=every.T @ every,
        cross=every.T @ target,
        power=torch.from_numpy(np.concatenate(design.powers)),
        ends=[0, *np.cumsum([part.shape[1] for part in design.features]).tolist()],
        total=float((target**2).sum()),
        rows=round(rows.counts.sum()),
        lost=tuple(map(torch.from_numpy, lost(rows.gaps, features, target.shape[1]))) if rows.gaps else (),
    )


class System:
    """The solved normal equations for units with given columns.

    Attributes:
        unit: of each weight, shape (P,). place: of the feature of each weight, shape (P,).
        columns: of each unit, of length 1, shape (U, N). reactions: of each unit.
        ridge: of each weight, shape (P,). inverse: of the ridged Gram matrix, shape (P, P). weights: shape (P,).
        noise: unexplained variance of a row, times the number of rows that count as one (`dispersion`).
        variance: of the weights of each reaction, shape (R,).
    """

    def __init__(self, normal: Normal, noise: float, variance: Tensor, dispersion: float) -> None:
        self.normal, self.noise, self.variance, self.dispersion = normal, noise, variance, dispersion
        self.solved = False

    def solve(self, reactions: list[int], columns: Tensor) -> None:
        """Solve for these units: the reaction of each, and their columns (U, N)."""
        normal = self.normal
        self.reactions, self.columns = torch.tensor(reactions), columns
        parts = [normal.places(reaction) for reaction in reactions]
        self.place = torch.cat(parts)
        self.unit = torch.repeat_interleave(torch.arange(len(parts)), torch.tensor([len(part) for part in parts]))
        self.ridge = self.noise / (self.variance[self.reactions[self.unit]] * normal.power[self.place])
        gram = normal.overlap[self.place][:, self.place]
        gram *= (columns @ columns.T)[self.unit][:, self.unit]
        for metabolite, missing in enumerate(normal.lost):
            own = torch.nonzero(columns[self.unit, metabolite])[:, 0]
            part = missing[:, self.place[own]] * columns[self.unit[own], metabolite]
            gram[own.unsqueeze(1), own] -= part.T @ part
        gram.diagonal().add_(self.ridge)
        self.pull = (columns[self.unit] * normal.cross[self.place]).sum(1)
        factor = torch.linalg.cholesky(gram)
        self._size = 2.0 * float(factor.diagonal().log().sum())
        self.inverse = torch.cholesky_inverse(factor)
        self.weights, self.solved = self.inverse @ self.pull, True

    @property
    def unexplained(self) -> float:
        """The unexplained variance of a row; the targets have a mean square of 1."""
        return self.noise / self.dispersion

    @property
    def penalised(self) -> float:
        """Sum of squares that is left, penalty included."""
        return self.normal.total - float(self.weights @ self.pull)

    @property
    def evidence(self) -> float:
        """Twice the log evidence of all columns."""
        fit = self.penalised / self.noise + self.normal.rows / self.dispersion * math.log(self.noise)
        return float(self.ridge.log().sum()) - self._size - fit

    def learn(self) -> None:
        """Estimate the noise, and the variance of the weights of each reaction, by evidence (MacKay 1992).

        They hold from the next `solve` on.
        """
        known = 1.0 - self.ridge * self.inverse.diagonal()
        left = self.penalised - float((self.ridge * self.weights**2).sum())
        noise = max(left / max(self.normal.rows - float(known.sum()), 1.0), _LEAST_NOISE)
        owner = self.reactions[self.unit]
        size, count = torch.zeros(2, len(self.variance), dtype=torch.float64)
        size.index_add_(0, owner, self.weights**2 / self.normal.power[self.place])
        count.index_add_(0, owner, known)
        self.noise = noise * self.dispersion
        self.variance = ((size + 1e-4) / (count + 1e-3)).clamp(_LEAST_VARIANCE, _MOST_VARIANCE)


@dataclass(frozen=True)
class Price:
    """The problem of one reaction, with all other rates refitted.

    Attributes:
        metric: shape (D, D, P, P), pull: shape (D, P), for its D edges and P features. ridge: shape (P,).
        noise: as of the system.
    """

    metric: Tensor
    pull: Tensor
    ridge: Tensor
    noise: float

    def evidence(self, columns: Tensor) -> Tensor:
        """Return twice the log evidence of unit columns (K, D), up to a constant."""
        metric = torch.einsum("ka,kb,abpq->kpq", columns, columns, self.metric)
        factor = _factor(0.5 * (metric + metric.mT), self.ridge)
        half = torch.linalg.solve_triangular(factor, (columns @ self.pull).unsqueeze(2), upper=False)
        size = 2.0 * factor.diagonal(dim1=1, dim2=2).log().sum(1) - self.ridge.log().sum()
        evidence: Tensor = half.square().sum((1, 2)) / self.noise - size
        return evidence


def _factor(metrics: Tensor, ridge: Tensor) -> Tensor:
    """Return the Cholesky factors of ridged matrices (K, P, P).

    Rounding errors can make one indefinite, as where two rates are nearly the same; then jitter grows for all of them.
    """
    factor = metrics
    for power in range(_JITTERS):
        factor, failed = torch.linalg.cholesky_ex(metrics + torch.diag(ridge + _JITTER * 10.0**power))
        if not failed.any():
            break
    return factor


def block(matrix: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows and columns of a large matrix, without a copy of whole rows."""
    return matrix[rows.unsqueeze(1), columns]


def price(system: System, reaction: int, metabolites: Tensor) -> Price:
    """Return the problem of a reaction with edges at these metabolites (D,)."""
    normal, units = system.normal, torch.nonzero(system.reactions == reaction)[:, 0]
    own = torch.nonzero(torch.isin(system.unit, units))[:, 0]
    near = (system.columns[:, metabolites] != 0).any(1)
    near[units] = False
    others = torch.nonzero(near[system.unit])[:, 0]
    beside = block(system.inverse, others, own)
    drop = torch.linalg.solve(block(system.inverse, own, own), beside.T).T
    inverse = block(system.inverse, others, others) - drop @ beside.T
    weights = system.weights[others] - drop @ system.weights[own]
    features = normal.places(reaction)
    overlap = normal.overlap_at(metabolites, system.place[others], features)
    shared = block(system.columns, system.unit[others], metabolites)
    size, degree = len(features), len(metabolites)
    coupling = (shared.unsqueeze(2) * overlap.transpose(0, 1)).reshape(len(others), degree * size)
    metric = -(coupling.T @ (inverse @ coupling)).view(degree, size, degree, size).permute(0, 2, 1, 3).contiguous()
    for edge, own_overlap in enumerate(normal.overlap_at(metabolites, features, features)):
        metric[edge, edge] += own_overlap
    pull = normal.cross[features][:, metabolites].T - (coupling.T @ weights).view(degree, size)
    ridge = system.noise / (system.variance[reaction] * normal.power[features])
    return Price(metric, pull, ridge, system.noise)

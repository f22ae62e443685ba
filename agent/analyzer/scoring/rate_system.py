"""Ridge regression of the rates of all reactions, given S, and the evidence of other columns of some of them.

Rows are metabolites times frames, so the Gram matrix of all features is the elementwise product of that of the columns
and that of the features. The best fit for other columns of some reactions, all other rates refitted, is a Schur
complement among the reactions that share a metabolite with them. The evidence is the marginal likelihood (MacKay 1992,
Neural Computation 4, 415).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from agent.analyzer.scoring.rate_balance import RateBalance
from simulator.kinetics import Floats
from simulator.network import Ints

_LEAST_NOISE = 1e-7  # share of the mean square of the targets
_JITTER = 1e-9  # of a feature's own power: rounding error
_LEAST_VARIANCE, _MOST_VARIANCE = 1e-4, 1e2  # of the weights; 1 explains all
_NEGLIGIBLE = 1e-10
_LEAST_SPREAD = 1e-3
_ROUNDS = 6  # of learning noise and variances


@dataclass(frozen=True)
class RateProducts:
    """The products of features and targets, which do not depend on S; P features in all.

    Attributes:
        overlap: Gram matrix of the features, shape (P, P). cross: features times targets, shape (P, N).
        power: prior variance of each weight, shape (P,). owner: its reaction, shape (P,).
        scale: of the targets, shape (N,). squares: sums of their squares, shape (N,). rows: of each metabolite.
    """

    overlap: Floats
    cross: Floats
    power: Floats
    owner: NDArray[np.intp]
    scale: Floats
    squares: Floats
    rows: int

    @classmethod
    def of(cls, balance: RateBalance, features: list[Floats]) -> RateProducts:
        """Return the products for features (m, P_j) of each reaction."""
        parts = [_orthonormal(balance.rows(own)) for own in features]
        every, power = np.concatenate([one for one, _ in parts], axis=1), np.concatenate([own for _, own in parts])
        return cls(
            overlap=every.T @ every,
            cross=every.T @ balance.target,
            # With unit variance of all weights, the rates together are as large as the targets.
            power=power * len(balance.target) * len(parts) / float(power.sum()),
            owner=np.repeat(np.arange(len(parts)), [one.shape[1] for one, _ in parts]),
            scale=balance.scale,
            squares=np.sum(balance.target**2, axis=0),
            rows=len(balance.target),
        )


class RateSystem:
    """The solved normal equations for given columns.

    Attributes:
        noise: variance of a row that is left unexplained, where `spread` is 1.
        spread: of what is left of each metabolite, as a share of its targets, shape (N,).
    """

    def __init__(self, products: RateProducts, columns: Floats) -> None:
        """Solve for columns (R, N) in the scale of the targets."""
        self._products, self._given = products, columns
        self.noise, self._variance = 1e-2, np.ones(len(columns))
        self.spread = np.ones(columns.shape[1])
        self._solve()
        for _ in range(_ROUNDS):
            self._learn()
            self._solve()

    def evidence(self, reactions: Sequence[int], metabolites: Sequence[Ints], columns: Sequence[Floats]) -> Floats:
        """Return twice the log evidence of K choices of the columns of these reactions, up to a constant, shape (K,).

        Each reaction has columns (K, D) at metabolites (D,).
        """
        owner = self._products.owner
        features = [np.flatnonzero(owner == reaction) for reaction in reactions]
        # One variable for each edge and feature of its reaction.
        edge = np.hstack([np.repeat(own, len(part)) for own, part in zip(metabolites, features, strict=True)])
        feature = np.hstack([np.tile(part, len(own)) for own, part in zip(metabolites, features, strict=True)])
        metric, pull = self._problem(reactions, edge, feature)
        every = np.concatenate(features)
        units = [_unit(own / self.spread[at]) for own, at in zip(columns, metabolites, strict=True)]
        value = np.concatenate(
            [np.repeat(own, len(part), 1) for own, part in zip(units, features, strict=True)], axis=1
        )
        spread = value[:, :, None] * (feature[:, None] == every)
        squares = spread.transpose(0, 2, 1) @ (metric @ spread)
        ridge = self._ridge[every]
        squares = 0.5 * (squares + squares.transpose(0, 2, 1)) + np.diag(ridge + _JITTER)
        _, size = np.linalg.slogdet(squares)
        along = (pull @ spread)[..., None]
        explained = np.sum(along * np.linalg.solve(squares, along), axis=(1, 2))
        return np.asarray(explained / self.noise - size + np.log(ridge).sum())

    def row_misfit(self, metabolite: int, reactions: Ints, rows: Floats) -> Floats:
        """Return the unexplained share of a metabolite for other coefficients (K, D) of reactions (D,), shape (K,).

        Rates stay as they are. Coefficients are in the scale of the targets, as columns are.
        """
        products = self._products
        length = np.linalg.norm(self._given[reactions] / self.spread, axis=1)
        weights = np.where(products.owner == reactions[:, None], self._weights, 0.0) / length[:, None]
        pull, overlap = weights @ products.cross[:, metabolite], weights @ products.overlap @ weights.T
        left = products.squares[metabolite] - np.einsum("kd,kd->k", 2.0 * pull - rows @ overlap, rows)
        return np.asarray(np.maximum(left / products.squares[metabolite], _LEAST_SPREAD**2))

    def _problem(self, reactions: Sequence[int], edge: Ints, feature: Ints) -> tuple[Floats, Floats]:
        """Return the metric (V, V) and the pull (V,) of features at metabolites `edge`, all other rates refitted."""
        products, owner = self._products, self._products.owner
        own, touching = np.isin(owner, reactions), (self.columns[:, np.unique(edge)] != 0).any(axis=1)
        near = touching[owner] & ~own
        beside = self._inverse[near][:, own]
        drop = np.linalg.solve(self._inverse[own][:, own], beside.T).T
        inverse = self._inverse[near][:, near] - drop @ beside.T
        weights = self._weights[near] - drop @ self._weights[own]
        coupling = self.columns[owner[near]][:, edge] * products.overlap[near][:, feature]
        alike = edge[:, None] == edge
        metric = alike * products.overlap[feature][:, feature] - coupling.T @ inverse @ coupling
        return metric, self._cross[feature, edge] - coupling.T @ weights

    def _solve(self) -> None:
        products, owner = self._products, self._products.owner
        self.columns, self._cross = _unit(self._given / self.spread), products.cross / self.spread
        self._ridge = self.noise / (self._variance[owner] * products.power * np.mean(self.spread**-2.0))
        gram = products.overlap * (self.columns @ self.columns.T)[owner][:, owner] + np.diag(self._ridge + _JITTER)
        self._pull = np.sum(self.columns[owner] * self._cross, axis=1)
        self._inverse = cho_solve(cho_factor(gram), np.eye(len(gram)))
        self._weights = self._inverse @ self._pull

    def _learn(self) -> None:
        """Estimate the noise, and the variance of the weights of each reaction, by evidence; then the spreads."""
        products, owner = self._products, self._products.owner
        known = 1.0 - self._ridge * np.diagonal(self._inverse)
        shares = self.columns[owner] * self._weights[:, None]
        left = products.squares / self.spread**2 - np.sum(
            (2.0 * self._cross - products.overlap @ shares) * shares, axis=0
        )
        self.noise = max(float(left.sum()) / max(products.rows * len(left) - float(known.sum()), 1.0), _LEAST_NOISE)
        power = products.power * np.mean(self.spread**-2.0)
        size, count = (np.bincount(owner, part) for part in (self._weights**2 / power, known))
        self._variance = np.clip((size + 1e-4) / (count + 1e-3), _LEAST_VARIANCE, _MOST_VARIANCE)
        relative = np.sqrt(np.maximum(left, 0.0) / products.rows) * self.spread
        self.spread = np.clip(relative, _LEAST_SPREAD, 1.0)


def _orthonormal(values: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis (n, P) of columns (n, P), and the squared singular values (P,)."""
    power, directions = np.linalg.eigh(values.T @ values)
    keep = power > _NEGLIGIBLE * power[-1]
    return values @ (directions[:, keep] / np.sqrt(power[keep])), power[keep]


def _unit(columns: Floats) -> Floats:
    """Return columns (K, N), each with a length of 1; one without a coefficient stays 0."""
    length = np.linalg.norm(columns, axis=1, keepdims=True)
    return np.asarray(columns / np.where(length > 0, length, 1.0))

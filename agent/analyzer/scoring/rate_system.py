"""Ridge regression of the rates of all reactions, given S, and the evidence of other columns of one reaction.

Rows are metabolites times frames, so the Gram matrix of all features is the elementwise product of that of the columns
and that of the features. The best fit for another column of one reaction, all other rates refitted, is a Schur
complement among the reactions that share a metabolite with it. The evidence is the marginal likelihood (MacKay 1992,
Neural Computation 4, 415).
"""

from __future__ import annotations

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

    def evidence(self, reaction: int, metabolites: Ints, columns: Floats) -> Floats:
        """Return twice the log evidence of columns (K, D) at metabolites (D,), up to a constant, shape (K,)."""
        columns = _unit(columns / self.spread[metabolites])
        ridge = self._ridge[self._products.owner == reaction]
        metric, pull = self._problem(reaction, metabolites)
        squares = np.einsum("ka,kb,abpq->kpq", columns, columns, metric, optimize=True)
        squares = 0.5 * (squares + squares.transpose(0, 2, 1)) + np.diag(ridge + _JITTER)
        _, size = np.linalg.slogdet(squares)
        along = (columns @ pull)[..., None]
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

    def _problem(self, reaction: int, metabolites: Ints) -> tuple[Floats, Floats]:
        """Return the metric (D, D, P, P) and the pull (D, P) of the rate of a reaction, all others refitted."""
        products, owner = self._products, self._products.owner
        own, touching = owner == reaction, (self.columns[:, metabolites] != 0).any(axis=1)
        near = touching[owner] & ~own
        beside, size, degree = self._inverse[near][:, own], int(own.sum()), len(metabolites)
        drop = np.linalg.solve(self._inverse[own][:, own], beside.T).T
        inverse = self._inverse[near][:, near] - drop @ beside.T
        weights = self._weights[near] - drop @ self._weights[own]
        shared = self.columns[owner[near]][:, metabolites]
        coupling = (shared[:, :, None] * products.overlap[near][:, None, own]).reshape(-1, degree * size)
        metric = -(coupling.T @ inverse @ coupling).reshape(degree, size, degree, size).transpose(0, 2, 1, 3)
        metric[np.arange(degree), np.arange(degree)] += products.overlap[own][:, own]
        return metric, self._cross[own][:, metabolites].T - (coupling.T @ weights).reshape(degree, size)

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

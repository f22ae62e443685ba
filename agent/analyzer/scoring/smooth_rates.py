"""Features in which the rate of a reaction is nearly linear, whatever its rate law.

Laws are drawn at random for the participants of a reaction: mass action, Michaelis-Menten and Hill, one way or both
ways, with inhibitors and activators. Their principal components are the features. Each is as long as the laws vary
along it, so that a ridge on the weights is a Gaussian-process prior over smooth rates with no law singled out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.stated_kinetics import StatedKinetics

_DRAWS, _DRAWS_EACH = 80, 40  # laws of a reaction: in all, and for each participant
_HILL, _SATURATING, _SECOND_ORDER = 0.3, 0.75, 0.35  # shares of the draws
_POWERS = (0.5, 3.0)
_BEYOND = 1.0  # half-saturation constants reach beyond the data by this many powers of e
_BACKWARD = (0.02, 0.5)  # share of the backward rate, in units of pi
_LEAST_SHARE = 1e-8  # of the variance of the laws, below which a component is none


@dataclass(frozen=True)
class Participants:
    """Species of one reaction by the part that they have in its rate."""

    substrates: Ints
    products: Ints
    regulators: Ints

    @classmethod
    def of(cls, graph: Graph, stated: StatedKinetics, reaction: int) -> Participants:
        """Return those of a reaction. An edge of unknown role counts as a regulator, products only where reversible."""
        edges = np.flatnonzero(graph.rxn_all == reaction)
        role, metabolite = graph.role[edges], graph.met_all[edges]
        products = metabolite[role > 0] if stated.reversible[reaction] else metabolite[:0]
        regulators = np.setdiff1d(stated.met_reg[stated.rxn_reg == reaction], metabolite)
        return cls(metabolite[role < 0], products, np.concatenate([metabolite[role == 0], regulators]))

    @property
    def species(self) -> Ints:
        """All of them: substrates, then products, then regulators."""
        return np.concatenate([self.substrates, self.products, self.regulators])


def rate_features(logs: Floats, own: Participants, most: int, generator: np.random.Generator) -> Floats:
    """Return at most `most` features (n, P) at log species (n, M)."""
    if not len(own.species):
        return np.ones((len(logs), 1))
    laws = _drawn(logs[:, own.species], own, generator)
    share, directions = np.linalg.eigh(laws @ laws.T / laws.size)
    keep = np.flatnonzero(share[::-1] > _LEAST_SHARE)[:most]
    return np.asarray(laws.T @ (directions[:, ::-1][:, keep] / np.sqrt(len(laws))))


def _drawn(logs: Floats, own: Participants, generator: np.random.Generator) -> Floats:
    """Return the rates of laws drawn for the log concentrations (n, Q) of participants, shape (L, n)."""
    count, shape = _DRAWS + _DRAWS_EACH * logs.shape[1], (_DRAWS + _DRAWS_EACH * logs.shape[1], logs.shape[1])
    power = np.where(generator.random(shape) < _HILL, generator.uniform(*_POWERS, shape), 1.0)
    half = generator.uniform(logs.min(axis=0) - _BEYOND, logs.max(axis=0) + _BEYOND, shape)
    log_u = power[..., None] * (logs.T - half[..., None])  # (L, Q, n)
    bound = np.logaddexp(0.0, log_u)
    order = np.where(generator.random(shape) < _SECOND_ORDER, 2.0, 1.0)[..., None]
    activates = (generator.random(shape) < 0.5)[..., None]
    saturating = (generator.random(count) < _SATURATING)[:, None]
    ends = np.cumsum([len(own.substrates), len(own.products)])
    substrates, products, regulators = slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], None)
    scale = np.sum((activates * log_u - bound)[:, regulators], axis=1)
    left, left_bound = (np.sum((order * part)[:, substrates], axis=1) for part in (log_u, bound))
    if not len(own.products):
        return _unit(left + scale - saturating * left_bound)
    right, right_bound = (np.sum((order * part)[:, products], axis=1) for part in (log_u, bound))
    scale = scale - saturating * np.log(np.exp(left_bound) + np.expm1(right_bound))
    angle = np.pi * generator.uniform(*_BACKWARD, count)[:, None]
    both = np.cos(angle) * _unit(left + scale) - np.sin(angle) * _unit(right + scale)
    return np.asarray(both / np.sqrt(np.mean(both**2, axis=1, keepdims=True)))


def _unit(log_rates: Floats) -> Floats:
    """Return rates (L, n), each with a root mean square of 1, from their logarithms."""
    rates = np.exp(log_rates - log_rates.max(axis=1, keepdims=True))
    return np.asarray(rates / np.sqrt(np.mean(rates**2, axis=1, keepdims=True)))

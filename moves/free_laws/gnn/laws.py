"""Rate laws of a reaction, drawn at random from a family: each participant has constants of its own.

Mass action, Michaelis-Menten and Hill, one way or both ways, each regulator as an inhibitor or an activator. The laws
are not a list to choose from. Their principal components serve as features in which a rate is linear (`features.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.observations import Floats, Ints, Observations

_VARIANTS = 64  # pairs of a half-saturation constant and a power, for each species
_HILL, _SATURATING, _SECOND_ORDER = 0.3, 0.75, 0.35  # shares of the draws
_POWERS = (0.5, 3.0)
_BEYOND = 1.0  # half-saturation constants reach beyond the data by this many powers of e
_NEAR = 3  # variants on either side that count as near


@dataclass(frozen=True)
class Participants:
    """Species of one reaction by the part that they have in its rate."""

    substrates: Ints
    products: Ints
    regulators: Ints

    @property
    def count(self) -> int:
        """Number of participants."""
        return len(self.substrates) + len(self.products) + len(self.regulators)


def participants_of(observations: Observations, reaction: int) -> Participants:
    """Return the species on which the rate of a reaction may depend; an edge of unknown role counts as a regulator."""
    graph = observations.graph
    edges = graph.edges_of(reaction)
    role, metabolite = graph.role[edges], graph.met_all[edges]
    products = metabolite[role > 0] if observations.reversible[reaction] else metabolite[:0]
    stated = observations.met_reg[observations.rxn_reg == reaction]
    others = np.concatenate([metabolite[role == 0], np.setdiff1d(stated, metabolite)])
    return Participants(metabolite[role < 0], products, others)


@dataclass(frozen=True)
class Laws:
    """Laws of one reaction with Q participants: substrates, then products, then regulators.

    Attributes:
        variant: constants of each participant, shape (L, Q). order: its molecularity, shape (L, Q).
        activates: true where a regulator activates, shape (L, Q).
        saturating: false for mass action, shape (L,). angle: share of the backward rate, shape (L,).
    """

    variant: Ints
    order: Floats
    activates: NDArray[np.bool_]
    saturating: NDArray[np.bool_]
    angle: Floats

    def __getitem__(self, chosen: Ints) -> Laws:
        """Return some of the laws."""
        return Laws(*(part[chosen] for part in vars(self).values()))


def draw(own: Participants, count: int, generator: np.random.Generator) -> Laws:
    """Draw `count` laws, independently."""
    shape = (count, own.count)
    return Laws(
        variant=generator.integers(_VARIANTS, size=shape),
        order=np.where(generator.random(shape) < _SECOND_ORDER, 2.0, 1.0),
        activates=generator.random(shape) < 0.5,
        saturating=generator.random(count) < _SATURATING,
        angle=np.pi * generator.uniform(0.02, 0.5, count),
    )


def mutated(laws: Laws, own: Participants, generator: np.random.Generator) -> Laws:
    """Return the laws, each with one participant drawn anew, moved to near constants, or with another balance."""
    count = len(laws.angle)
    fresh = draw(own, count, generator)
    gene = generator.integers(own.count + 1, size=count)[:, None] == np.arange(own.count + 1)
    other, balance = gene[:, :-1], gene[:, -1]
    step = generator.integers(-_NEAR, _NEAR + 1, size=laws.variant.shape)
    near = np.clip(laws.variant + step, 0, _VARIANTS - 1)
    moves = (generator.random(count) < 0.5)[:, None]
    return replace(
        laws,
        variant=np.where(other, np.where(moves, near, fresh.variant), laws.variant),
        order=np.where(other & ~moves, fresh.order, laws.order),
        activates=np.where(other & ~moves, fresh.activates, laws.activates),
        saturating=np.where(balance & moves[:, 0], fresh.saturating, laws.saturating),
        angle=np.where(balance & ~moves[:, 0], fresh.angle, laws.angle),
    )


class Saturations:
    """Tables of log u and log (1 + u) for u = (c / half)^power, for every species and variant of its constants."""

    def __init__(self, logs: Floats, generator: np.random.Generator) -> None:
        """Draw the constants for log species (n, M)."""
        low, high = logs.min(axis=0) - _BEYOND, logs.max(axis=0) + _BEYOND
        spread = (np.arange(_VARIANTS) + generator.random((logs.shape[1], _VARIANTS))) / _VARIANTS
        half = low[:, None] + (high - low)[:, None] * spread
        hill = generator.random(half.shape) < _HILL
        power = np.where(hill, generator.uniform(*_POWERS, half.shape), 1.0)
        self.frames = len(logs)
        self._log_u = power[..., None] * (logs.T[:, None, :] - half[..., None])  # (M, V, n)
        self._bound = np.logaddexp(0.0, self._log_u)

    def rates(self, own: Participants, laws: Laws) -> Floats:
        """Return the rates of laws, shape (L, n), each with a root mean square of 1."""
        if not own.count:
            return np.ones((len(laws.angle), self.frames))
        sides, species = len(own.substrates) + len(own.products), np.concatenate(list(vars(own).values()))
        left, bound = self._side(species, laws, range(len(own.substrates)))
        scale = np.zeros_like(left)
        for place in range(sides, own.count):
            table = species[place], laws.variant[:, place]
            scale += laws.activates[:, place, None] * self._log_u[table] - self._bound[table]
        if not len(own.products):
            return _unit(np.exp(left + scale - laws.saturating[:, None] * bound))
        right, right_bound = self._side(species, laws, range(len(own.substrates), sides))
        scale -= laws.saturating[:, None] * np.log(np.exp(bound) + np.expm1(right_bound))
        forward, backward = (_unit(np.exp(side + scale)) for side in (left, right))
        return _unit(np.cos(laws.angle)[:, None] * forward - np.sin(laws.angle)[:, None] * backward)

    def _side(self, species: Ints, laws: Laws, places: range) -> tuple[Floats, Floats]:
        """Return the logarithms of prod u^order and of prod (1 + u)^order over some participants, shape (L, n)."""
        numerator, bound = np.zeros((2, len(laws.angle), self.frames))
        for place in places:
            table, order = (species[place], laws.variant[:, place]), laws.order[:, place, None]
            numerator += order * self._log_u[table]
            bound += order * self._bound[table]
        return numerator, bound


def _unit(rates: Floats) -> Floats:
    return np.asarray(rates / np.sqrt(np.mean(rates**2, axis=1, keepdims=True)))

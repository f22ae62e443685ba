"""Regulators: species that scale the rate of a reaction without taking part in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.kinetics.group_sums import group_sums
from simulator.network import Ints


@dataclass(frozen=True)
class Regulators:
    """Inhibitors, with the factor 1 / (1 + u) on a rate, and activators, with u / (1 + u), where u = (c / half)^power.

    Attributes:
        met_reg, rxn_reg: species and reaction of each regulator, shape (G,).
        effect: +1 for an activator, -1 for an inhibitor, shape (G,).
        half, power: shape (G,); `half` in units of concentration.
    """

    met_reg: Ints
    rxn_reg: Ints
    effect: NDArray[np.int8]
    half: Floats
    power: Floats

    def log_factors(self, log_species: Floats, reactions: int) -> Floats:
        """Return the logarithm of the factor on each rate, shape (F, R), from that of species, shape (F, M)."""
        logs = self.power * (log_species[:, self.met_reg] - np.log(self.half))
        return group_sums(-np.logaddexp(0.0, -self.effect * logs), self.rxn_reg, reactions)

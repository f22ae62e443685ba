"""Settings of the kinetics in which each reaction has a rate law of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.section import Count, Interval, PositiveFloat, PositiveInt, PositiveInterval, Section, Share

LawName = Literal["mass_action", "michaelis_menten", "hill", "reversible_mass_action", "reversible_michaelis_menten"]


class Regulation(Section):
    """Regulators: metabolites that change a rate without taking part in the reaction.

    Attributes:
        share: probability that a reaction is regulated. most: largest number of its regulators.
        inhibiting: probability that a regulator inhibits; otherwise it activates.
    """

    share: Share
    most: PositiveInt
    inhibiting: Share


class Exchange(Section):
    """Exchange with the outside: `feeds` reactions `-> A` of constant rate, and `outflows` reactions `A ->`."""

    feeds: Count
    outflows: Count


class Inputs(Section):
    """Quantities given over time, which regulate reactions and take part in none.

    Attributes:
        count: number of inputs. reactions: number of reactions that each one regulates.
        swing: the natural logarithm of an input is a sine of this amplitude, with a period of 0.5 to 2 durations.
    """

    count: PositiveInt
    reactions: PositiveInt
    swing: PositiveFloat


class LawMixture(Section):
    """Settings by which each reaction draws its law and its parameters.

    The reference concentration is the geometric mean of `trajectories.initial`.

    Attributes:
        laws: weight of each law in the mixture.
        log_rate: interval of log10 of a rate where every species is at the reference concentration, before regulation;
            of a reversible reaction, of its forward and backward rates together.
        half_saturation: interval of half-saturation constants in units of the reference concentration; their logarithm
            is uniform. Each reaction has one for each substrate, regulator and, if it is reversible, product.
        power: interval of the powers of the law `hill` and of regulators, uniform.
        potential: standard deviation of the metabolites' standard chemical potentials in units of RT. Equilibrium
            constants follow from them, so that one equilibrium holds for all reversible reactions.
        volumes: volumes of the compartments; each metabolite lies in one, drawn at random.
        min_rate_variation: as in the kinetics with shared functions.
    """

    laws: Annotated[dict[LawName, PositiveFloat], Field(min_length=1)]
    log_rate: Interval
    half_saturation: PositiveInterval
    power: PositiveInterval
    potential: Annotated[float, Field(ge=0)]
    regulation: Regulation | None = None
    exchange: Exchange = Exchange(feeds=0, outflows=0)
    inputs: Inputs | None = None
    volumes: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (1.0,)
    min_rate_variation: PositiveFloat

"""Settings of a simulated network: drawn at random, or imported with its coefficients."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator

from simulator.section import PositiveInt, Section


class Network(Section):
    """Settings by which S (metabolites x reactions) is drawn; all columns sum to zero if `mass_balanced`, else none."""

    metabolites: PositiveInt
    reactions: PositiveInt
    max_substrates: PositiveInt
    max_products: PositiveInt
    coefficients: tuple[PositiveInt, ...]
    mass_balanced: bool

    @model_validator(mode="after")
    def _room_for_a_reaction(self) -> Network:
        if self.metabolites < self.max_substrates + self.max_products:
            raise ValueError(
                "metabolites must be at least max_substrates + max_products, since a reaction's "
                "substrates and products are disjoint"
            )
        return self

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """Names of the rows of S: m0, m1, ..."""
        return tuple(f"m{number}" for number in range(self.metabolites))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """Names of the columns of S: r0, r1, ..."""
        return tuple(f"r{number}" for number in range(self.reactions))


class ImportedNetwork(Section):
    """A known network: the coefficient of each metabolite in each reaction, substrates negative.

    Its properties are the fields of `Network`. The alphabet is every magnitude from 1 to the largest that occurs, and
    mass balance holds only if every column sums to zero.
    """

    source: str
    reactions: Annotated[dict[str, dict[str, int]], Field(min_length=1)]

    @model_validator(mode="after")
    def _substrates_become_products(self) -> ImportedNetwork:
        for name, column in self.reactions.items():
            if 0 in column.values() or not min(column.values(), default=0) < 0 < max(column.values(), default=0):
                raise ValueError(f"reaction '{name}' must have a substrate and a product, and no coefficient of zero")
        return self

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """The rows of S, in alphabetical order."""
        return tuple(sorted({name for column in self.reactions.values() for name in column}))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """The columns of S, in alphabetical order."""
        return tuple(sorted(self.reactions))

    @property
    def coefficients(self) -> tuple[int, ...]:
        """The alphabet: 1 to the largest magnitude that occurs."""
        return tuple(range(1, max(abs(s) for column in self.reactions.values() for s in column.values()) + 1))

    @property
    def mass_balanced(self) -> bool:
        """True if every column sums to zero, which is stricter than a balance of atoms."""
        return not any(sum(column.values()) for column in self.reactions.values())

    def with_divisor(self) -> list[str]:
        """Return the names of the reactions whose coefficients have a common divisor."""
        return [name for name, column in self.reactions.items() if math.gcd(*column.values()) > 1]

    @property
    def max_substrates(self) -> int:
        """Largest number of substrates of a reaction."""
        return max(sum(s < 0 for s in column.values()) for column in self.reactions.values())

    @property
    def max_products(self) -> int:
        """Largest number of products of a reaction."""
        return max(sum(s > 0 for s in column.values()) for column in self.reactions.values())

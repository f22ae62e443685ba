"""Settings of a published model that is simulated by its own rate laws."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simulator.section import PositiveFloat, PositiveInt, Section


class PublishedNetwork(Section):
    """The network of a published model, whose columns have no common divisor and may have one side only.

    Attributes:
        reactions: coefficient of each metabolite in each reaction, substrates negative.
        reversible: reactions whose rate depends on their products and may be negative.
        regulators: for each reaction, the species that its rate depends on besides: metabolites and inputs.
        inputs: quantities given over time. volumes: volume of the compartment of each metabolite.
    """

    source: str
    reactions: Annotated[dict[str, dict[str, int]], Field(min_length=1)]
    reversible: tuple[str, ...]
    regulators: dict[str, tuple[str, ...]]
    inputs: tuple[str, ...]
    volumes: dict[str, PositiveFloat]

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """The rows of S, in alphabetical order."""
        return tuple(sorted(self.volumes))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """The columns of S, in alphabetical order."""
        return tuple(sorted(self.reactions))

    @property
    def coefficients(self) -> tuple[int, ...]:
        """The alphabet: 1 to the largest magnitude, and at least to 2, so that it is never the answer."""
        return tuple(range(1, max(2, *(abs(s) for column in self.reactions.values() for s in column.values())) + 1))

    @property
    def mass_balanced(self) -> bool:
        """False: of a published model no balance is stated."""
        return False

    @property
    def max_substrates(self) -> int:
        """Largest number of substrates of a reaction, and at least 1."""
        return max(1, *(sum(s < 0 for s in column.values()) for column in self.reactions.values()))

    @property
    def max_products(self) -> int:
        """Largest number of products of a reaction, and at least 1."""
        return max(1, *(sum(s > 0 for s in column.values()) for column in self.reactions.values()))


class PublishedKinetics(Section):
    """The rate laws of a model file, named by the SHA-256 of the file."""

    model_sha256: str


class Sampling(Section):
    """Samples of a published model: `count` trajectories for training and `heldout` for tests, of `samples` each.

    A trajectory starts from the concentrations of the model, each times 10 to a power uniform in [-spread, spread]. Its
    samples lie closer together where concentrations curve.
    """

    count: PositiveInt
    heldout: PositiveInt
    samples: Annotated[int, Field(ge=4)]
    duration: PositiveFloat
    spread: PositiveFloat

"""A measured regime: the network that a user states for measured concentrations, without a truth.

It has the interface of `Regime`, so it is trained, explored and scored by name like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from simulator.equation import Equation, Total, parse_equation, parse_total
from simulator.network import Graph, Ints, graph_of
from simulator.regime import (
    Constraints,
    Regime,
    Training,
    find_file,
    fingerprint,
    flatten,
    read_content,
    read_regime,
    read_section,
    refuse_other_name,
    regime_files,
)
from simulator.section import PositiveFloat, PositiveInt, Section
from simulator.stated_columns import StatedColumns
from simulator.stated_kinetics import StatedKinetics
from stoichloop.errors import RegimeError

LARGEST_MAGNITUDE = 6
_NEWER = ("primitive", "volumes", "conserved", "incomplete", "unobserved_rate")


def _ascending(alphabet: tuple[int, ...]) -> tuple[int, ...]:
    if not alphabet or list(alphabet) != sorted(set(alphabet)) or alphabet[-1] > LARGEST_MAGNITUDE:
        raise ValueError(f"must be magnitudes from 1 to {LARGEST_MAGNITUDE}, each once, smallest first, like [1, 2]")
    return alphabet


Reaction = Annotated[Equation, PlainValidator(parse_equation), PlainSerializer(str)]
ConservedTotal = Annotated[Total, PlainValidator(parse_total), PlainSerializer(str)]
_Name = Annotated[str, Field(min_length=1)]


class StatedNetwork(Section):
    """The network that a user states. Regulators that are no metabolite are inputs: species given over time.

    Attributes:
        alphabet: magnitudes that an unknown coefficient may have.
        mass_balanced: true if every column of S sums to zero: a reaction makes as many molecules as it uses. This is
            rare in nature, so it is false by default.
        primitive: true if no column has a common divisor. False only in files from before it could be stated.
        volumes: volume around a metabolite, 1 where none is given. conserved: totals that do not change.
        incomplete: reactions with members that were not measured; their columns have the rest.
        unobserved_rate: reactions whose rate depends on something that was not measured.
    """

    reactions: Annotated[dict[_Name, Reaction], Field(min_length=1)]
    alphabet: Annotated[tuple[PositiveInt, ...], AfterValidator(_ascending)] = (1, 2)
    mass_balanced: bool = False
    primitive: bool = False
    volumes: dict[_Name, PositiveFloat] = Field(default_factory=dict)
    conserved: dict[_Name, ConservedTotal] = Field(default_factory=dict)
    incomplete: tuple[str, ...] = ()
    unobserved_rate: tuple[str, ...] = ()

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """The rows of S, in alphabetical order."""
        return tuple(sorted({name for equation in self.reactions.values() for name in equation.members}))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """The columns of S, in alphabetical order."""
        return tuple(sorted(self.reactions))

    @property
    def input_names(self) -> tuple[str, ...]:
        """The inputs, in alphabetical order."""
        acting = {name for equation in self.reactions.values() for name in equation.regulators}
        return tuple(sorted(acting - set(self.metabolite_names)))

    def graph(self) -> Graph:
        """Return the shown graph, without decoys."""
        row = {name: number for number, name in enumerate(self.metabolite_names)}
        roles: Ints = np.zeros((len(row), len(self.reactions)), dtype=np.int64)
        for reaction, name in enumerate(self.reaction_names):
            for side, members in ((-1, self.reactions[name].substrates), (1, self.reactions[name].products)):
                roles[[row[member] for member in members], reaction] = side
        return graph_of(roles)

    def stated_kinetics(self) -> StatedKinetics:
        """Return the structure of rates."""
        return StatedKinetics.of_names(
            metabolites=self.metabolite_names,
            inputs=self.input_names,
            reactions=self.reaction_names,
            reversible=[name for name, equation in self.reactions.items() if equation.reversible],
            regulators={name: equation.regulators for name, equation in self.reactions.items()},
            volumes=self.volumes,
        )

    def stated_columns(self) -> StatedColumns:
        """Return what is stated of coefficients beside the graph."""
        graph, metabolites = self.graph(), self.metabolite_names
        role = graph.role.astype(np.int64)
        edges = [
            (metabolites[m], self.reactions[self.reaction_names[r]])
            for m, r in zip(graph.met_all, graph.rxn_all, strict=True)
        ]
        groups = sorted({group for equation in self.reactions.values() for group in equation.tied.values()})
        numbers = {group: number for number, group in enumerate(groups, 1)}
        return StatedColumns(
            known=role * np.array([equation.known.get(name, 0) for name, equation in edges], dtype=np.int64),
            tied=np.array([numbers.get(equation.tied.get(name, ""), 0) for name, equation in edges], dtype=np.int64),
            conserved=np.array(
                [[float(total.weights.get(name, 0)) for name in metabolites] for total in self.conserved.values()]
            ).reshape(-1, len(metabolites)),
            incomplete=np.isin(self.reaction_names, self.incomplete),
            unobserved_rate=np.isin(self.reaction_names, self.unobserved_rate),
        )


class Origin(Section):
    """Origin of the readings: the name of the file and its SHA-256."""

    source: str
    sha256: str


class Measured(Section):
    """One measured regime. Everything but `title`, `description`, the source's name and `training` shapes the data."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str
    network: StatedNetwork
    readings: Origin
    training: Training

    @property
    def constraints(self) -> Constraints:
        """The statements about every column of S."""
        equations = self.network.reactions.values()
        return Constraints(
            alphabet=self.network.alphabet,
            mass_balanced=self.network.mass_balanced,
            max_substrates=max(1, *(len(equation.substrates) for equation in equations)),
            max_products=max(1, *(len(equation.products) for equation in equations)),
            may_be_absent=False,
            primitive=self.network.primitive,
        )

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """Names of the rows of S."""
        return self.network.metabolite_names

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """Names of the columns of S."""
        return self.network.reaction_names

    def simulation(self) -> dict[str, Any]:
        """Return the settings that shape the data, flat."""
        content = self.model_dump(mode="json", include={"name", "network", "readings"})
        del content["readings"]["source"]
        for key in _NEWER:  # older data do not have these keys
            if not content["network"][key]:
                del content["network"][key]
        return dict(flatten(content))

    def fingerprint(self) -> str:
        """Return the SHA-256 of `simulation()`."""
        return fingerprint(self.simulation())

    def sibling(self, number: int) -> Measured:
        """Raise `RegimeError`: a measured network has no sibling."""
        raise RegimeError(
            f"regime '{self.name}' was measured, so it has no sibling {number}: there is one such network, and nothing "
            "to draw others from"
        )


def read_known(path: Path) -> Regime | Measured:
    """Read the file of a regime, simulated or measured; raises `RegimeError`."""
    content = read_content(path)
    if "readings" not in content:
        return read_regime(path)
    measured = read_section(path, content, Measured)
    refuse_other_name(path, measured.name)
    return measured


def all_known(*folders: Path) -> list[Regime | Measured]:
    """Return the built-in regimes, then those in `folders`, sorted by name."""
    return [read_known(path) for path in regime_files(*folders)]


def find_known(name: str, *folders: Path) -> Regime | Measured:
    """Return the regime `name`, built in or in `folders`; raises `RegimeError` with the known names."""
    return read_known(find_file(name, *folders))

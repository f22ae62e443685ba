"""A measured regime: the network that a user states for measured concentrations, without a truth.

It has the interface of `Regime`, so it is trained, explored and scored by name like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

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
from simulator.section import PositiveInt, Section
from stoichloop.errors import RegimeError

LARGEST_MAGNITUDE = 6
_ARROW = "->"
_NUMBER = re.compile(r"\d+(\.\d+)?\*?")
_NOTHING = ("0", "∅", "Ø", "null", "[]")  # as other programs write a side without a metabolite


@dataclass(frozen=True)
class Equation:
    """A reaction without its coefficients: `A + B -> C`."""

    substrates: tuple[str, ...]
    products: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' + '.join(self.substrates)} {_ARROW} {' + '.join(self.products)}"

    @property
    def members(self) -> tuple[str, ...]:
        """All metabolites of the reaction."""
        return self.substrates + self.products


def parse_equation(text: Any) -> Equation:
    """Read `A + B -> C`: names without spaces, ' + ' between them; raises `ValueError` with the mend."""
    if isinstance(text, Equation):
        return text
    sides = text.split(_ARROW) if isinstance(text, str) else []
    if len(sides) != 2 or sides[0].rstrip().endswith(("<", " -", " --")):
        raise ValueError("must read like A + B -> C, with one arrow; write a reversible reaction as two")
    substrates, products = (tuple(_name(part) for part in re.split(r"\s\+\s", f" {side} ")) for side in sides)
    members = substrates + products
    if twice := next((name for name in members if members.count(name) > 1), None):
        raise ValueError(f"must not hold '{twice}' twice")
    return Equation(substrates, products)


def _name(part: str) -> str:
    words = part.split()
    if not words or (len(words) == 1 and words[0] in _NOTHING):
        raise ValueError("must have a metabolite on each side and beside each ' + '; leave exchange reactions out")
    if len(words) == 2 and _NUMBER.fullmatch(words[0]):
        raise ValueError(
            f"must not hold a coefficient, '{words[0]}': coefficients are to be recovered; write '{words[1]}' alone"
        )
    if len(words) > 1:
        raise ValueError(f"holds '{' '.join(words)}', but names have no spaces, and ' + ' stands between them")
    return words[0]


def _ascending(alphabet: tuple[int, ...]) -> tuple[int, ...]:
    if not alphabet or list(alphabet) != sorted(set(alphabet)) or alphabet[-1] > LARGEST_MAGNITUDE:
        raise ValueError(f"must be magnitudes from 1 to {LARGEST_MAGNITUDE}, each once, smallest first, like [1, 2]")
    return alphabet


Reaction = Annotated[Equation, PlainValidator(parse_equation), PlainSerializer(str)]


class StatedNetwork(Section):
    """The network that a user states: reactions, allowed magnitudes, mass balance.

    With mass balance every column of S sums to zero: a reaction makes as many molecules as it uses. This is rare in
    nature, so it is false by default.
    """

    reactions: Annotated[dict[Annotated[str, Field(min_length=1)], Reaction], Field(min_length=1)]
    alphabet: Annotated[tuple[PositiveInt, ...], AfterValidator(_ascending)] = (1, 2)
    mass_balanced: bool = False

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """The rows of S, in alphabetical order."""
        return tuple(sorted({name for equation in self.reactions.values() for name in equation.members}))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """The columns of S, in alphabetical order."""
        return tuple(sorted(self.reactions))

    def graph(self) -> Graph:
        """Return the shown graph, without decoys."""
        row = {name: number for number, name in enumerate(self.metabolite_names)}
        roles: Ints = np.zeros((len(row), len(self.reactions)), dtype=np.int64)
        for reaction, name in enumerate(self.reaction_names):
            for side, members in ((-1, self.reactions[name].substrates), (1, self.reactions[name].products)):
                roles[[row[member] for member in members], reaction] = side
        return graph_of(roles)


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
            max_substrates=max(len(equation.substrates) for equation in equations),
            max_products=max(len(equation.products) for equation in equations),
            may_be_absent=False,
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

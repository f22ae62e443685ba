"""A regime: a frozen simulation setting, read from one YAML file and validated at the door."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from simulator.yaml_file import read_mapping
from stoichloop.errors import RegimeError

REGIME_FOLDER = Path(__file__).parent / "regimes"

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of a regime file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SectionT = TypeVar("SectionT", bound=Section)


class Network(Section):
    """How the stoichiometric matrix S (metabolites x reactions) is drawn.

    With `mass_balanced` every column sums to zero, without it no column does.
    """

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
        """m0, m1, ..."""
        return tuple(f"m{number}" for number in range(self.metabolites))

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """r0, r1, ..."""
        return tuple(f"r{number}" for number in range(self.reactions))


class ImportedNetwork(Section):
    """A network that is known: the coefficient of each metabolite in each reaction, substrates negative.

    It answers what `Network` states. The alphabet is every magnitude from 1 to the largest that occurs, and
    mass balance is stated only if every column sums to zero.
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
        """Whether every column sums to zero. That atoms balance is another matter, and says less of S."""
        return not any(sum(column.values()) for column in self.reactions.values())

    @property
    def max_substrates(self) -> int:
        """The most substrates that a reaction has."""
        return max(sum(s < 0 for s in column.values()) for column in self.reactions.values())

    @property
    def max_products(self) -> int:
        """The most products that a reaction has."""
        return max(sum(s > 0 for s in column.values()) for column in self.reactions.values())


_TAGS = ("drawn", "imported")


def _kind_of_network(value: Any) -> str:
    named = isinstance(value, dict) and "source" in value
    return "imported" if named or isinstance(value, ImportedNetwork) else "drawn"


class Kinetics(Section):
    """How rate constants and the two shared functions are drawn."""

    log_k: tuple[float, float]
    hidden: PositiveInt
    rate_spread: PositiveFloat
    min_rate_variation: PositiveFloat


class Trajectories(Section):
    """What is observed: `count` training and `heldout` test trajectories of `frames` frames each.

    A trajectory starts from concentrations uniform in `initial` and is followed for `duration`
    (arbitrary time units), or until its first metabolite has fallen to `floor`.
    """

    count: PositiveInt
    heldout: PositiveInt
    frames: Annotated[int, Field(gt=1)]
    duration: PositiveFloat
    initial: tuple[PositiveFloat, PositiveFloat]
    floor: PositiveFloat

    @model_validator(mode="after")
    def _floor_below_start(self) -> Trajectories:
        if not self.floor < self.initial[0] < self.initial[1]:
            raise ValueError("floor < initial[0] < initial[1] must hold")
        return self


class Observation(Section):
    """What stands between the system and its observer.

    Both noises are the standard deviation of Gaussian noise as a share of the root mean square that the
    quantity of each metabolite has over the data, so a scarce moment of a metabolite is measured as coarsely as
    its peak. A reading of a concentration that would not be positive is taken again, as it would be at the
    bench; close to zero, readings are therefore too high on average. Without `dcdt_given` the observer has c(t)
    alone. Held-out trajectories stay exact, for the scorer.
    `decoys` is the number of shown edges that the network does not have, for each edge that it has.
    `roles_told` is whether the observer is told which edges are substrates and which are products.
    """

    dcdt_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    concentration_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    dcdt_given: bool
    decoys: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    roles_told: bool

    @model_validator(mode="after")
    def _noise_on_what_is_given(self) -> Observation:
        if self.dcdt_noise and not self.dcdt_given:
            raise ValueError("dcdt_noise must be 0 where dcdt_given is false: there is no dc/dt to be noisy")
        return self


@dataclass(frozen=True)
class Constraints:
    """What a regime states about every column of S: all that a trial and the decoder know beside the graph.

    Attributes:
        alphabet: the magnitudes that a coefficient may have. mass_balanced: whether every column sums to zero.
        max_substrates, max_products: how many a reaction has at the most; it has one of each at the least.
        may_be_absent: whether the coefficient of a shown edge may be zero.
    """

    alphabet: tuple[int, ...]
    mass_balanced: bool
    max_substrates: int
    max_products: int
    may_be_absent: bool


class Training(Section):
    """The training budget: optimiser steps of a trial at fidelity `full`."""

    full_steps: PositiveInt


class Regime(Section):
    """One regime file. Everything but `title`, `description`, `network.source` and `training` shapes the data."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str
    seed: Annotated[int, Field(ge=2**64)]
    network: Annotated[
        Annotated[Network, Tag("drawn")] | Annotated[ImportedNetwork, Tag("imported")], Discriminator(_kind_of_network)
    ]
    kinetics: Kinetics
    trajectories: Trajectories
    observation: Observation
    training: Training

    @property
    def constraints(self) -> Constraints:
        """What trials and the decoder are told about every column of S."""
        network = self.network
        return Constraints(
            alphabet=network.coefficients,
            mass_balanced=network.mass_balanced,
            max_substrates=network.max_substrates,
            max_products=network.max_products,
            may_be_absent=self.observation.decoys > 0,
        )

    def simulation(self) -> dict[str, Any]:
        """What the frozen data depend on, flat: `{"network.metabolites": 100, ...}`."""
        content = self.model_dump(mode="json", exclude={"title", "description", "training"})
        content["network"].pop("source", None)
        return dict(flatten(content))

    def sibling(self, number: int) -> Regime:
        """The same setting with other functions, other initial conditions and, where it is drawn, another network."""
        words = np.random.SeedSequence([self.seed, number]).generate_state(4, np.uint64)
        seed = 2**127 + sum(int(word) << 64 * place for place, word in enumerate(words[:2])) % 2**127
        return self.model_copy(
            update={
                "name": f"{self.name}_sibling{number}",
                "title": f"sibling {number} of {self.name}: the same setting, drawn anew",
                "seed": seed,
            }
        )

    def fingerprint(self) -> str:
        """SHA-256 of `simulation()`."""
        return fingerprint(self.simulation())


def fingerprint(settings: dict[str, Any]) -> str:
    """SHA-256 of what frozen data depend on."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def flatten(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested mappings, each with the keys that lead to it, joined by dots."""
    items: list[tuple[str, Any]] = []
    for key, value in content.items():
        items += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return items


def read_section(path: Path, content: dict[Any, Any], kind: type[SectionT]) -> SectionT:
    """What a file holds as one of our sections; raises `RegimeError` with the first key that is wrong."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part not in _TAGS) or "(file)"
        raise RegimeError(f"{path}: key '{key}' with value {first['input']!r}: {first['msg']}") from error


def read_content(path: Path) -> dict[Any, Any]:
    """The mapping that a file holds; raises `RegimeError`."""
    try:
        return read_mapping(path, str(path))
    except ValueError as error:
        raise RegimeError(str(error)) from error


def read_regime(path: Path) -> Regime:
    """Read and validate the file of a simulated regime; raises `RegimeError`."""
    regime = read_section(path, read_content(path), Regime)
    refuse_other_name(path, regime.name)
    return regime


def refuse_other_name(path: Path, name: str) -> None:
    """Raise `RegimeError` if a regime is not called as its file is."""
    if name != path.stem:
        raise RegimeError(f"{path}: key 'name' is '{name}', but the file is named '{path.stem}'; make them equal")


def regime_files(*folders: Path) -> list[Path]:
    """The file of every regime that comes with the program, then of those in `folders`, sorted by name."""
    return [path for folder in (REGIME_FOLDER, *folders) for path in sorted(folder.glob("*.yaml"))]


def find_file(name: str, *folders: Path) -> Path:
    """The file of the regime called `name`; raises `RegimeError` with the known names."""
    known = regime_files(*folders)
    for path in known:
        if path.stem == name:
            return path
    raise RegimeError(f"there is no regime '{name}'; known regimes: {', '.join(path.stem for path in known)}")


def find_regime(name: str, *folders: Path) -> Regime:
    """The simulated regime called `name`, of the program or in `folders`; raises `RegimeError`."""
    return read_regime(find_file(name, *folders))

"""A regime: a frozen simulation setting, read from one YAML file and validated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from simulator.law_mixture import LawMixture
from simulator.network_settings import ImportedNetwork, Network
from simulator.published_settings import PublishedKinetics, PublishedNetwork, Sampling
from simulator.section import PositiveFloat, PositiveInt, Section
from simulator.yaml_file import read_mapping
from stoichloop.errors import RegimeError

REGIME_FOLDER = Path(__file__).parent / "regimes"

SectionT = TypeVar("SectionT", bound=Section)

_MAPPING = "; write one 'name: value' a line, without a '-' before it"
_MENDS = {
    "string_type": "; write it in quotes",  # YAML reads an unquoted `on` or 2024-01-01 as something else than text
    "missing": "; add the key",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}  # by the kind of fault

_TAGS = (
    "drawn",
    "imported",
    "published",
    "shared functions",
    "law mixture",
    "published kinetics",
    "integrated",
    "sampled",
)


def _kind_of_network(value: Any) -> str:
    if isinstance(value, PublishedNetwork) or (isinstance(value, dict) and "regulators" in value):
        return "published"
    named = isinstance(value, dict) and "source" in value
    return "imported" if named or isinstance(value, ImportedNetwork) else "drawn"


class Kinetics(Section):
    """Settings by which the rate constants and the two shared functions of PDE_M1 are drawn."""

    log_k: tuple[float, float]
    hidden: PositiveInt
    rate_spread: PositiveFloat
    min_rate_variation: PositiveFloat


def _kind_of_kinetics(value: Any) -> str:
    if isinstance(value, PublishedKinetics) or (isinstance(value, dict) and "model_sha256" in value):
        return "published kinetics"
    own = isinstance(value, dict) and "laws" in value
    return "law mixture" if own or isinstance(value, LawMixture) else "shared functions"


class Trajectories(Section):
    """The trajectories: `count` for training and `heldout` for tests, of `frames` frames each.

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


def _kind_of_trajectories(value: Any) -> str:
    named = isinstance(value, dict) and "samples" in value
    return "sampled" if named or isinstance(value, Sampling) else "integrated"


class Observation(Section):
    """Noise on the training trajectories, and the part of the graph that is shown. Held-out trajectories stay exact.

    Attributes:
        dcdt_noise, concentration_noise: standard deviation of Gaussian noise, as a share of the root mean square of
            the quantity of each metabolite over the data. It is the same at low and at high concentrations.
            Concentrations that are not positive are drawn again, so readings near zero are too high on average.
        dcdt_given: false if the observer has c(t) alone.
        decoys: number of shown edges absent from the network, per edge of the network.
        roles_told: true if the observer is given the role, substrate or product, of each edge.
        noise_on_reading: true if the noise on a concentration is a share of that concentration itself, by which its
            logarithm varies.
    """

    dcdt_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    concentration_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    dcdt_given: bool
    decoys: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    roles_told: bool
    noise_on_reading: bool = False

    @model_validator(mode="after")
    def _noise_on_what_is_given(self) -> Observation:
        if self.dcdt_noise and not self.dcdt_given:
            raise ValueError("dcdt_noise must be 0 where dcdt_given is false, since no dc/dt is given")
        return self


@dataclass(frozen=True)
class Constraints:
    """Statements of a regime about every column of S, given to trials and to the decoder with the graph.

    Attributes:
        alphabet: allowed magnitudes of a coefficient. mass_balanced: true if every column sums to zero.
        max_substrates, max_products: largest numbers in a reaction; the smallest are 1.
        may_be_absent: true if the coefficient of a shown edge may be zero.
        primitive: true if no column has a common divisor.
    """

    alphabet: tuple[int, ...]
    mass_balanced: bool
    max_substrates: int
    max_products: int
    may_be_absent: bool
    primitive: bool = False


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
        Annotated[Network, Tag("drawn")]
        | Annotated[ImportedNetwork, Tag("imported")]
        | Annotated[PublishedNetwork, Tag("published")],
        Discriminator(_kind_of_network),
    ]
    kinetics: Annotated[
        Annotated[Kinetics, Tag("shared functions")]
        | Annotated[LawMixture, Tag("law mixture")]
        | Annotated[PublishedKinetics, Tag("published kinetics")],
        Discriminator(_kind_of_kinetics),
    ]
    trajectories: Annotated[
        Annotated[Trajectories, Tag("integrated")] | Annotated[Sampling, Tag("sampled")],
        Discriminator(_kind_of_trajectories),
    ]
    observation: Observation
    training: Training

    @model_validator(mode="after")
    def _published_as_a_whole(self) -> Regime:
        parts = (self.network, self.kinetics, self.trajectories)
        if 0 < sum(isinstance(part, PublishedNetwork | PublishedKinetics | Sampling) for part in parts) < len(parts):
            raise ValueError("network, kinetics and trajectories must all be those of a published model, or none")
        return self

    @model_validator(mode="after")
    def _laws_have_members(self) -> Regime:
        if not isinstance(self.kinetics, LawMixture):
            return self
        if self.observation.decoys or not self.observation.roles_told:
            raise ValueError(
                "observation.decoys must be 0 and roles_told true where each reaction has a rate law of its own"
            )
        if isinstance(self.network, ImportedNetwork) and (divided := self.network.with_divisor()):
            raise ValueError(
                f"reaction '{divided[0]}' must have no common divisor in its coefficients where each reaction has a "
                "rate law of its own, since no rate tells the length of its column; divide them"
            )
        return self

    @property
    def constraints(self) -> Constraints:
        """The statements about every column of S. A column of one entry sums to no zero."""
        network = self.network
        return Constraints(
            alphabet=network.coefficients,
            mass_balanced=network.mass_balanced and not self._exchanges,
            max_substrates=network.max_substrates,
            max_products=network.max_products,
            may_be_absent=self.observation.decoys > 0,
            primitive=isinstance(self.kinetics, LawMixture | PublishedKinetics),
        )

    @property
    def metabolite_names(self) -> tuple[str, ...]:
        """Names of the rows of S."""
        return self.network.metabolite_names

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """Names of the columns of S: those of the network, then feeds, then outflows."""
        return (*self.network.reaction_names, *self._exchanges)

    @property
    def _exchanges(self) -> tuple[str, ...]:
        if not isinstance(self.kinetics, LawMixture):
            return ()
        counts = {"feed": self.kinetics.exchange.feeds, "outflow": self.kinetics.exchange.outflows}
        return tuple(f"{kind}{number}" for kind, count in counts.items() for number in range(count))

    def simulation(self) -> dict[str, Any]:
        """Return the settings that shape the data, flat: `{"network.metabolites": 100, ...}`."""
        content = self.model_dump(mode="json", exclude={"title", "description", "training"})
        content["network"].pop("source", None)
        if not self.observation.noise_on_reading:  # a key that older data do not have
            del content["observation"]["noise_on_reading"]
        return dict(flatten(content))

    def sibling(self, number: int) -> Regime:
        """Return the same setting with other rate laws, initial conditions and, if drawn, another network.

        Raises `RegimeError` for a published model, which has its own rate laws.
        """
        if isinstance(self.kinetics, PublishedKinetics):
            raise RegimeError(
                f"regime '{self.name}' has the rate laws of a published model, so it has no sibling {number}: there is "
                "nothing to draw others from"
            )
        words = np.random.SeedSequence([self.seed, number]).generate_state(4, np.uint64)
        seed = 2**127 + sum(int(word) << 64 * index for index, word in enumerate(words[:2])) % 2**127
        return self.model_copy(
            update={
                "name": f"{self.name}_sibling{number}",
                "title": f"sibling {number} of {self.name}: the same setting, drawn anew",
                "seed": seed,
            }
        )

    def fingerprint(self) -> str:
        """Return the SHA-256 of `simulation()`."""
        return fingerprint(self.simulation())


def fingerprint(settings: dict[str, Any]) -> str:
    """Return the SHA-256 of the settings that shape frozen data."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def flatten(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of nested mappings, each with the keys that lead to it, joined by dots."""
    items: list[tuple[str, Any]] = []
    for key, value in content.items():
        items += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return items


def read_section(path: Path, content: dict[Any, Any], kind: type[SectionT]) -> SectionT:
    """Validate the content of a file as a section; raises `RegimeError` with the first invalid key."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise RegimeError(f"{path}: {fault_of(error.errors()[0], kind.model_fields)}") from error


def fault_of(first: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the sentence for a fault that pydantic found in a file with these keys: key, value, reason and mend."""
    key = ".".join(str(part) for part in first["loc"] if part not in _TAGS) or "(file)"
    value = "is absent" if first["type"] == "missing" else f"with value {first['input']!r}"
    mend = _MENDS.get(first["type"], "")
    if first["type"] == "extra_forbidden":
        known = f", or use one of {', '.join(keys)}" if len(first["loc"]) == 1 else ""
        mend = f"; leave the key out{known}"
    return f"key '{key}' {value}: {first['msg'].removeprefix('Value error, ')}{mend}"


def read_content(path: Path) -> dict[Any, Any]:
    """Return the mapping in a file; raises `RegimeError`."""
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
    """Raise `RegimeError` if the name of a regime differs from that of its file."""
    if name != path.stem:
        raise RegimeError(f"{path}: key 'name' is '{name}', but the file is named '{path.stem}'; make them equal")


def regime_files(*folders: Path) -> list[Path]:
    """Return the files of the built-in regimes, then of those in `folders`, sorted by name."""
    return [path for folder in (REGIME_FOLDER, *folders) for path in sorted(folder.glob("*.yaml"))]


def find_file(name: str, *folders: Path) -> Path:
    """Return the file of the regime `name`; raises `RegimeError` with the known names."""
    known = regime_files(*folders)
    for path in known:
        if path.stem == name:
            return path
    names = [path.stem for path in known]
    near = "".join(f"; did you mean '{match}'?" for match in get_close_matches(name, names, 1))
    raise RegimeError(f"there is no regime '{name}'{near or '; known regimes: ' + ', '.join(names)}")


def find_regime(name: str, *folders: Path) -> Regime:
    """Return the simulated regime `name`, built in or in `folders`; raises `RegimeError`."""
    return read_regime(find_file(name, *folders))

"""A regime: a frozen simulation setting, read from one YAML file and validated at the door."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

REGIME_FOLDER = Path(__file__).parent / "regimes"

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RegimeError(Exception):
    """A regime file is missing or malformed; the message is one sentence that says how to mend it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(_Section):
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


class Kinetics(_Section):
    """How rate constants and the two shared functions are drawn."""

    log_k: tuple[float, float]
    hidden: PositiveInt
    rate_spread: PositiveFloat
    min_rate_variation: PositiveFloat


class Trajectories(_Section):
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


class Observation(_Section):
    """What stands between the system and its observer.

    `dcdt_noise` is the standard deviation of Gaussian noise on the observed dc/dt, as a share of each
    metabolite's root mean square; held-out trajectories stay exact, for the scorer.
    """

    dcdt_noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Training(_Section):
    """The training budget: optimiser steps of a trial at fidelity `full`."""

    full_steps: PositiveInt


class Regime(_Section):
    """One regime file. Everything but `title`, `description` and `training` shapes the data."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    description: str
    seed: Annotated[int, Field(ge=2**64)]
    network: Network
    kinetics: Kinetics
    trajectories: Trajectories
    observation: Observation
    training: Training

    def simulation(self) -> dict[str, Any]:
        """What the frozen data depend on, flat: `{"network.metabolites": 100, ...}`."""
        content = self.model_dump(mode="json", exclude={"title", "description", "training"})
        return dict(_flatten(content))

    def sibling(self, number: int) -> Regime:
        """The same setting with another network, other functions and other initial conditions."""
        words = np.random.SeedSequence([self.seed, number]).generate_state(4, np.uint64)
        seed = 2**127 + sum(int(word) << 64 * place for place, word in enumerate(words[:2])) % 2**127
        return self.model_copy(
            update={
                "name": f"{self.name}_sibling{number}",
                "title": f"sibling {number} of {self.name}: another network of the same kind",
                "seed": seed,
            }
        )

    def fingerprint(self) -> str:
        """SHA-256 of `simulation()`."""
        return hashlib.sha256(json.dumps(self.simulation(), sort_keys=True).encode()).hexdigest()


def _flatten(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    items: list[tuple[str, Any]] = []
    for key, value in content.items():
        items += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return items


def read_regime(path: Path) -> Regime:
    """Read and validate one regime file; raises `RegimeError`."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RegimeError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RegimeError(f"{path}: must hold a mapping of keys, but holds {content!r}")
    try:
        regime = Regime.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(file)"
        raise RegimeError(f"{path}: key '{key}' with value {first['input']!r}: {first['msg']}") from error
    if regime.name != path.stem:
        raise RegimeError(
            f"{path}: key 'name' is '{regime.name}', but the file is named '{path.stem}'; make them equal"
        )
    return regime


def all_regimes(folder: Path = REGIME_FOLDER) -> list[Regime]:
    """Every regime, sorted by name."""
    return [read_regime(path) for path in sorted(folder.glob("*.yaml"))]


def find_regime(name: str, folder: Path = REGIME_FOLDER) -> Regime:
    """The regime called `name`; raises `RegimeError` with the known names."""
    path = folder / f"{name}.yaml"
    if path.parent != folder or not path.is_file():
        known = ", ".join(path.stem for path in sorted(folder.glob("*.yaml")))
        raise RegimeError(f"there is no regime '{name}'; known regimes: {known}")
    return read_regime(path)

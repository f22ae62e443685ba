"""Frozen datasets on disk: written once, verified before every use.

REGIME/observations.npz     what a trial may see
REGIME/manifest.json        SHA-256 of every file
REGIME/sealed/truth.npz     S, k and the functions, for the scorer alone
REGIME/sealed/heldout.npz   trajectories for rollout tests
REGIME/sealed/identifiability.npz   which coefficients the observations determine, for the scorer
REGIME/sealed/regime.json   the settings that the data were made from
REGIME/sealed/facts.json    what `stoichloop data` reports; some of it follows from the truth

What was measured has no truth.npz and no identifiability.npz: see `simulator.measured.measurements`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator

from simulator.generate import System, Trajectory, simulate
from simulator.identifiability.facts import Facts, Identifiable, examine
from simulator.kinetics import RandomFunction, RateLaw
from simulator.measured.measured_regime import Measured
from simulator.network import Graph, Ints
from simulator.regime import Constraints, Regime
from stoichloop.errors import DatasetError

OBSERVATIONS = "observations.npz"
TRUTH = "sealed/truth.npz"
HELDOUT = "sealed/heldout.npz"
IDENTIFIABILITY = "sealed/identifiability.npz"
SETTINGS = "sealed/regime.json"
FACTS = "sealed/facts.json"
_MEASURED = (OBSERVATIONS, HELDOUT, SETTINGS, FACTS)
_FILES = (*_MEASURED, TRUTH, IDENTIFIABILITY)
_MANIFEST = "manifest.json"
_FUNCTIONS = ("substrate_func", "rate_func")

Arrays = dict[str, NDArray[Any]]


class Manifest(BaseModel):
    """`manifest.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regime: str
    regime_fingerprint: str
    files: dict[str, str]

    @field_validator("files")
    @classmethod
    def _exactly_the_frozen_files(cls, files: dict[str, str]) -> dict[str, str]:
        if sorted(files) not in (sorted(_FILES), sorted(_MEASURED)):
            raise ValueError(f"files must be {', '.join(_FILES)}, where there is a truth, or {', '.join(_MEASURED)}")
        return files

    @property
    def truth(self) -> str | None:
        """SHA-256 of the truth; None where there is none."""
        return self.files.get(TRUTH)

    def fingerprint(self) -> str:
        """One SHA-256 for the whole dataset."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Truth:
    """The sealed truth: the integer coefficients sto_all (E,) on the graph that is shown, and the rate law.

    Where the graph shows decoys their coefficients are zero.
    """

    graph: Graph
    sto_all: Ints
    law: RateLaw


@dataclass(frozen=True)
class FrozenData:
    """Frozen data that passed verification, simulated or measured."""

    regime: Regime | Measured
    folder: Path
    manifest: Manifest

    @property
    def observations_path(self) -> Path:
        """The one file that a trial is given."""
        return self.folder / OBSERVATIONS

    @cached_property
    def graph(self) -> Graph:
        """The graph that is shown."""
        return _graph_from(_read_arrays(self.observations_path))

    @cached_property
    def observed(self) -> list[Trajectory]:
        """The trajectories that trials train on; dc/dt is not a number where it was not given."""
        arrays = _read_arrays(self.observations_path)
        return _trajectories_from({"dcdt": np.full_like(arrays["concentration"], np.nan), **arrays})

    @cached_property
    def heldout(self) -> list[Trajectory]:
        """Trajectories from initial conditions that no trial has seen. For the scorer."""
        return _trajectories_from(_read_arrays(self.folder / HELDOUT))


@dataclass(frozen=True)
class Dataset(FrozenData):
    """Data that were simulated, so that the truth is known."""

    regime: Regime

    @cached_property
    def facts(self) -> Facts:
        """What is said of the data to people. Not for planners: rates and null directions follow from the truth."""
        return Facts.model_validate_json((self.folder / FACTS).read_bytes())

    @cached_property
    def truth(self) -> Truth:
        """S, k and the functions. For the scorer."""
        return _truth_from(_read_arrays(self.folder / TRUTH))

    @cached_property
    def identifiability(self) -> Identifiable:
        """Which coefficients these observations determine. For the scorer."""
        return Identifiable(**_read_arrays(self.folder / IDENTIFIABILITY))


def prepare(regime: Regime, root: Path) -> tuple[Dataset, bool]:
    """The dataset of a regime under `root`, and whether it was generated just now; verified if it was there."""
    if (root / regime.name).exists():
        return verify(regime, root), False
    try:
        return freeze(regime, simulate(regime), root), True
    except FileExistsError:
        return verify(regime, root), False  # another process was faster


def freeze(regime: Regime, system: System, root: Path) -> Dataset:
    """Write a simulated system as the dataset of `regime`; see `write`."""
    facts, identifiable = examine(regime, system)
    frames = stack(system.observed)
    if not regime.observation.dcdt_given:
        del frames["dcdt"]
    arrays = {
        OBSERVATIONS: shown(system.graph, regime.constraints) | frames,
        TRUTH: _truth_arrays(system),
        HELDOUT: stack(system.heldout),
        IDENTIFIABILITY: vars(identifiable),
    }
    return Dataset(regime, root / regime.name, write(regime, root, arrays, facts))


def write(regime: Regime | Measured, root: Path, arrays: dict[str, Arrays], facts: BaseModel) -> Manifest:
    """Write the frozen data of a regime: all of them appear at once, or nothing does.

    Raises `FileExistsError` if they have appeared meanwhile.
    """
    root.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{regime.name}-", dir=root))
    try:
        sealed = draft / "sealed"
        sealed.mkdir(mode=0o700)
        for name, content in arrays.items():
            np.savez(draft / name, allow_pickle=False, **content)
        (draft / SETTINGS).write_text(json.dumps(regime.simulation(), indent=1), encoding="utf-8")
        (draft / FACTS).write_text(facts.model_dump_json(indent=1), encoding="utf-8")
        for path in sealed.iterdir():
            path.chmod(0o600)
        manifest = Manifest(
            regime=regime.name,
            regime_fingerprint=regime.fingerprint(),
            files={name: _sha256(draft / name) for name in (*arrays, SETTINGS, FACTS)},
        )
        (draft / _MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        draft.chmod(0o755)
        try:
            draft.rename(root / regime.name)
        except OSError as error:
            if error.errno == errno.ENOTEMPTY:
                raise FileExistsError(root / regime.name) from error
            raise
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def verify(regime: Regime, root: Path) -> Dataset:
    """The frozen dataset of a regime, after `check`."""
    return Dataset(regime, root / regime.name, check(regime, root))


def check(regime: Regime | Measured, root: Path) -> Manifest:
    """Check frozen data against their manifest and their regime; raises `DatasetError` naming what differs."""
    folder = root / regime.name
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no dataset folder; 'stoichloop data' makes one")
    mend = f"restore it, or move {folder} away and run the same command again"
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        if (manifest.truth is None) == isinstance(regime, Regime):
            raise ValueError("a truth belongs to what was simulated, and to nothing else")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder / _MANIFEST}: missing or malformed; {mend}") from error
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise DatasetError(f"{path}: the file is missing from the frozen dataset; {mend}")
        if _sha256(path) != expected:
            raise DatasetError(f"{path}: the file was changed after it was frozen (its SHA-256 differs); {mend}")
    if manifest.regime_fingerprint != regime.fingerprint():
        raise DatasetError(_describe_drift(regime, folder))
    return manifest


def _describe_drift(regime: Regime | Measured, folder: Path) -> str:
    frozen = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    today = regime.simulation()
    # What gives the truth away is told by name alone: whoever reads the sentence need not learn it.
    changes = dict.fromkeys(
        secret[0]
        if (secret := re.match(r"seed|network\.reactions", key))
        else f"{key} (frozen {frozen.get(key)!r}, now {today.get(key)!r})"
        for key in sorted(frozen.keys() | today.keys())
        if frozen.get(key) != today.get(key)
    )
    return (
        f"the settings of regime '{regime.name}' no longer match its data in {folder}: {', '.join(changes)}; "
        f"undo the change, or move {folder} away and run the same command again"
    )


def shown(graph: Graph, constraints: Constraints) -> Arrays:
    """The shown graph, with the edges that may be substrates, and what the regime states."""
    substrates = {name: getattr(graph, name) for name in ("met_sub", "rxn_sub", "sub_to_all")}
    return _graph_arrays(graph) | substrates | {name: np.asarray(value) for name, value in vars(constraints).items()}


def _graph_arrays(graph: Graph) -> Arrays:
    return {field.name: np.asarray(getattr(graph, field.name)) for field in fields(Graph)}


def _graph_from(arrays: Arrays) -> Graph:
    values: dict[str, Any] = {field.name: arrays[field.name] for field in fields(Graph)}
    return Graph(**values | {name: int(values[name]) for name in ("n_metabolites", "n_reactions")})


def stack(trajectories: list[Trajectory]) -> Arrays:
    """time (T, F), concentration (T, F, N), dcdt (T, F, N)."""
    return {f.name: np.stack([getattr(t, f.name) for t in trajectories]) for f in fields(Trajectory)}


def _trajectories_from(arrays: Arrays) -> list[Trajectory]:
    parts = zip(*(arrays[field.name] for field in fields(Trajectory)), strict=True)
    return [Trajectory(*part) for part in parts]


def _truth_arrays(system: System) -> Arrays:
    arrays = {**_graph_arrays(system.graph), "sto_all": system.sto_all, "log_k": system.law.log_k}
    for name in _FUNCTIONS:
        arrays |= {f"{name}.{part}": value for part, value in vars(getattr(system.law, name)).items()}
    return arrays


def _truth_from(arrays: Arrays) -> Truth:
    functions = {
        name: RandomFunction(**{f.name: arrays[f"{name}.{f.name}"] for f in fields(RandomFunction)})
        for name in _FUNCTIONS
    }
    return Truth(_graph_from(arrays), arrays["sto_all"], RateLaw(log_k=arrays["log_k"], **functions))


def _read_arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

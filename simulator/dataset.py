"""Frozen datasets on disk: written once, verified before every use.

REGIME/observations.npz     input of a trial
REGIME/manifest.json        SHA-256 of every file, and what made them
REGIME/sealed/truth.npz     S, k and the functions, for the scorer only
REGIME/sealed/heldout.npz   trajectories for rollout tests
REGIME/sealed/identifiability.npz   masks of the coefficients that the observations determine, for the scorer
REGIME/sealed/regime.json   the settings of the simulation
REGIME/sealed/facts.json    output of `stoichloop data`; parts of it follow from the truth

Measured data have no truth.npz and no identifiability.npz: see `simulator.measured.measurements`.
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

from simulator.generate import System, simulate
from simulator.identifiability.facts import Facts, Identifiable, examine
from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.kinetics.law_arrays import Law, arrays_of, law_of
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.measured_regime import Measured
from simulator.network import Graph, Ints
from simulator.provenance import made_with
from simulator.regime import Constraints, Regime
from simulator.stated_columns import StatedColumns
from simulator.stated_kinetics import StatedKinetics
from stoichloop.errors import DatasetError

OBSERVATIONS = "observations.npz"
TRUTH = "sealed/truth.npz"
HELDOUT = "sealed/heldout.npz"
IDENTIFIABILITY = "sealed/identifiability.npz"
SETTINGS = "sealed/regime.json"
FACTS = "sealed/facts.json"
_MEASURED = (OBSERVATIONS, HELDOUT, SETTINGS, FACTS)
_FILES = (*_MEASURED, TRUTH, IDENTIFIABILITY)
MANIFEST = "manifest.json"

Arrays = dict[str, NDArray[Any]]


class Manifest(BaseModel):
    """`manifest.json`. `made_with` is empty for data from before it was recorded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regime: str
    regime_fingerprint: str
    files: dict[str, str]
    made_with: dict[str, str] = {}

    @field_validator("files")
    @classmethod
    def _exactly_the_frozen_files(cls, files: dict[str, str]) -> dict[str, str]:
        if sorted(files) not in (sorted(_FILES), sorted(_MEASURED)):
            raise ValueError(f"files must be {', '.join(_FILES)}, or {', '.join(_MEASURED)} for measured data")
        return files

    @property
    def truth(self) -> str | None:
        """SHA-256 of the truth, or None for measured data."""
        return self.files.get(TRUTH)

    def fingerprint(self) -> str:
        """Return one SHA-256 for the whole dataset."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Truth:
    """The sealed truth: the integer coefficients sto_all (E,) on the shown graph, and the rate law.

    The coefficients of decoys are zero.
    """

    graph: Graph
    sto_all: Ints
    law: Law


@dataclass(frozen=True)
class FrozenData:
    """Frozen data that passed verification, simulated or measured."""

    regime: Regime | Measured
    folder: Path
    manifest: Manifest

    def __repr__(self) -> str:
        shape = f"{self.graph.n_metabolites} metabolites, {self.graph.n_reactions} reactions"
        return f"<{type(self).__name__} {self.regime.name}: {shape}, {len(self.observed)} training trajectories>"

    @property
    def observations_path(self) -> Path:
        """Path of the only file that a trial is given."""
        return self.folder / OBSERVATIONS

    @cached_property
    def graph(self) -> Graph:
        """The shown graph."""
        return _graph_from(read_arrays(self.observations_path))

    @cached_property
    def stated(self) -> StatedKinetics:
        """The structure of rates that trials are told."""
        return StatedKinetics.read(read_arrays(self.observations_path)) or StatedKinetics.plain(self.graph)

    @cached_property
    def stated_columns(self) -> StatedColumns:
        """The statements of a user about coefficients; none about simulated networks."""
        return StatedColumns.read(self.graph, read_arrays(self.observations_path))

    @cached_property
    def observed(self) -> list[Trajectory]:
        """The trajectories that trials train on; dc/dt is NaN where it was not given."""
        arrays = read_arrays(self.observations_path)
        return _trajectories_from({"dcdt": np.full_like(arrays["concentration"], np.nan), **arrays})

    @cached_property
    def heldout(self) -> list[Trajectory]:
        """Trajectories from unseen initial conditions. For the scorer."""
        return _trajectories_from(read_arrays(self.folder / HELDOUT))


@dataclass(frozen=True, repr=False)
class Dataset(FrozenData):
    """Simulated data, of which the truth is known."""

    regime: Regime

    @cached_property
    def facts(self) -> Facts:
        """The facts for the user. Not for planners: rates and null directions follow from the truth."""
        return Facts.model_validate_json((self.folder / FACTS).read_bytes())

    @cached_property
    def truth(self) -> Truth:
        """S, k and the functions. For the scorer."""
        return _truth_from(read_arrays(self.folder / TRUTH))

    @cached_property
    def heldout_drive(self) -> Floats:
        """The true h at all frames of the held-out trajectories, shape (frames, R). For the scorer.

        Only functions that reactions share have it.
        """
        law = self.truth.law
        assert isinstance(law, SharedFunctions)
        frames = np.concatenate([trajectory.concentration for trajectory in self.heldout])
        return law.drive(self.truth.graph, self.truth.sto_all, frames)

    @cached_property
    def identifiability(self) -> Identifiable:
        """Masks of the coefficients that the observations determine. For the scorer."""
        return Identifiable(**read_arrays(self.folder / IDENTIFIABILITY))


def prepare(regime: Regime, root: Path) -> tuple[Dataset, bool]:
    """Return the dataset of a regime under `root`, verified or new, and True if it was generated by this call."""
    if (root / regime.name).exists():
        return verify(regime, root), False
    try:
        return freeze(regime, simulate(regime), root), True
    except FileExistsError:
        return verify(regime, root), False  # another process wrote it meanwhile


def freeze(regime: Regime, system: System, root: Path) -> Dataset:
    """Write a simulated system as the dataset of `regime`; see `write`."""
    facts, identifiable = examine(regime, system)
    frames = stack(system.observed)
    if not regime.observation.dcdt_given:
        del frames["dcdt"]
    stated = {} if isinstance(system.law, SharedFunctions) else vars(system.stated)
    arrays = {
        OBSERVATIONS: shown(system.graph, regime.constraints) | stated | frames,
        TRUTH: _truth_arrays(system),
        HELDOUT: stack(system.heldout),
        IDENTIFIABILITY: vars(identifiable),
    }
    return Dataset(regime, root / regime.name, write(regime, root, arrays, facts))


def write(regime: Regime | Measured, root: Path, arrays: dict[str, Arrays], facts: BaseModel) -> Manifest:
    """Write the frozen data of a regime atomically.

    Raises `FileExistsError` if another process wrote them meanwhile.
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
            made_with=made_with(),
        )
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
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
    """Return the frozen dataset of a regime, after `check`."""
    return Dataset(regime, root / regime.name, check(regime, root))


def check(regime: Regime | Measured, root: Path) -> Manifest:
    """Check frozen data against their manifest and their regime; raises `DatasetError` naming the difference."""
    folder = root / regime.name
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no dataset folder; 'stoichloop data' makes one")
    mend = f"restore it, or move {folder} away and run the same command again"
    manifest = read_manifest(folder, mend)
    if (manifest.truth is None) == isinstance(regime, Regime):
        raise DatasetError(f"{folder / MANIFEST}: simulated data must have a truth, measured data none; {mend}")
    if manifest.regime_fingerprint != regime.fingerprint():
        raise DatasetError(_describe_drift(regime, folder))
    return manifest


def read_manifest(folder: Path, mend: str, *, partial: bool = False) -> Manifest:
    """Return the manifest of frozen data, after its files were checked; some may be missing where data are `partial`.

    Raises `DatasetError`, which ends with the `mend`.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder / MANIFEST}: missing or malformed; {mend}") from error
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() and not partial:
            raise DatasetError(f"{path}: the file is missing from the frozen dataset; {mend}")
        if path.is_file() and _sha256(path) != expected:
            raise DatasetError(f"{path}: the file was changed after it was frozen (its SHA-256 differs); {mend}")
    return manifest


def _describe_drift(regime: Regime | Measured, folder: Path) -> str:
    frozen = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    changes = changed_settings(frozen, regime.simulation(), "frozen", "now")
    return (
        f"the settings of regime '{regime.name}' no longer match its data in {folder}: {', '.join(changes)}; "
        f"undo the change, or move {folder} away and run the same command again"
    )


def changed_settings(one: dict[str, Any], two: dict[str, Any], first: str, second: str) -> list[str]:
    """Return the keys of two simulations that differ, with both values; those that give the truth away without."""
    return list(
        dict.fromkeys(
            secret[0]
            if (secret := re.match(r"seed|network\.reactions", key))
            else f"{key} ({first} {one.get(key)!r}, {second} {two.get(key)!r})"
            for key in sorted(one.keys() | two.keys())
            if one.get(key) != two.get(key)
        )
    )


def shown(graph: Graph, constraints: Constraints) -> Arrays:
    """Return the arrays of the shown graph, of its possible substrate edges, and of the constraints."""
    substrates = {name: getattr(graph, name) for name in ("met_sub", "rxn_sub", "sub_to_all")}
    columns = {name: np.asarray(value) for name, value in vars(constraints).items()}
    if not constraints.primitive:
        del columns["primitive"]
    return _graph_arrays(graph) | substrates | columns


def _graph_arrays(graph: Graph) -> Arrays:
    return {field.name: np.asarray(getattr(graph, field.name)) for field in fields(Graph)}


def _graph_from(arrays: Arrays) -> Graph:
    values: dict[str, Any] = {field.name: arrays[field.name] for field in fields(Graph)}
    return Graph(**values | {name: int(values[name]) for name in ("n_metabolites", "n_reactions")})


def stack(trajectories: list[Trajectory]) -> Arrays:
    """Stack trajectories into time (T, F), concentration (T, F, N), dcdt (T, F, N), and inputs (T, F, U) if any."""
    frames = {f.name: np.stack([getattr(t, f.name) for t in trajectories]) for f in fields(Trajectory)}
    if not frames["inputs"].size:
        del frames["inputs"]
    return frames


def _trajectories_from(arrays: Arrays) -> list[Trajectory]:
    arrays = {"inputs": np.zeros((*arrays["time"].shape, 0)), **arrays}
    parts = zip(*(arrays[field.name] for field in fields(Trajectory)), strict=True)
    return [Trajectory(*part) for part in parts]


def _truth_arrays(system: System) -> Arrays:
    return {**_graph_arrays(system.graph), "sto_all": system.sto_all, **arrays_of(system.law)}


def _truth_from(arrays: Arrays) -> Truth:
    return Truth(_graph_from(arrays), arrays["sto_all"], law_of(arrays))


def read_arrays(path: Path) -> Arrays:
    """Return the arrays in a file of frozen data."""
    with np.load(path, allow_pickle=False) as content:
        return dict(content)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

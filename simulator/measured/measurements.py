"""Import of a user's measurements as frozen data, with a regime named after the CSV file.

NAME.yaml   the regime: the measured part of the network, and the origin of the readings
NAME/       the data, frozen like any other, without truth.npz and identifiability.npz

One trajectory in five is kept back for the scorer, spread evenly over the file; of a single one, its last fifth. The
scorer needs dc/dt, which was not measured: it uses cubic smoothing splines through the data kept back, one per
metabolite and trajectory, whose smoothness is chosen by generalised cross-validation (Woltring, Advances in
Engineering Software 8, 1986, 104). Trials get the readings as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict
from scipy.interpolate import make_smoothing_spline

from simulator.dataset import FACTS, HELDOUT, OBSERVATIONS, FrozenData, check, shown, stack, write
from simulator.identifiability.facts import activity_rank
from simulator.integration import Trajectory
from simulator.measured.csv_table import LEAST_ALONE, Table, TimeSeries, read_table
from simulator.measured.stated_network import Cut, cut_down, read_stated
from simulator.measured_regime import Measured, Origin, read_known
from simulator.regime import REGIME_FOLDER, Training
from simulator.sbml import name_of
from stoichloop.errors import DatasetError, RegimeError

_SHARE = 5  # one in so many is kept back
_FULL_STEPS = 4000


class MeasuredFacts(BaseModel):
    """Facts about measured data. Concentrations and times are in the user's units.

    `noise` is the standard deviation of the readings of each metabolite around smooth courses, as a share of their root
    mean square, estimated from the trajectories kept back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metabolites: int
    reactions: int
    edges: int
    metabolite_names: tuple[str, ...]
    reaction_names: tuple[str, ...]
    trajectories: int
    frames: int
    heldout_trajectories: int
    heldout_frames: int
    followed_for: tuple[float, ...]
    activity_rank: int
    smallest_concentration: float
    largest_concentration: float
    noise: tuple[float, ...]


@dataclass(frozen=True, repr=False)
class Measurements(FrozenData):
    """Measured data, without a truth to score against."""

    regime: Measured

    @cached_property
    def facts(self) -> MeasuredFacts:
        """The facts for the user."""
        return MeasuredFacts.model_validate_json((self.folder / FACTS).read_bytes())


def find_measurements(regime: Measured, root: Path) -> Measurements:
    """Return the frozen data of a measured regime, verified; raises `DatasetError`."""
    if not (root / regime.name).is_dir():
        raise DatasetError(
            f"{root / regime.name}: the data of '{regime.name}' are missing, and measurements cannot be made anew; "
            f"give 'stoichloop data --csv {regime.readings.source} --network ...' again"
        )
    return Measurements(regime, root / regime.name, check(regime, root))


def import_measurements(csv: Path, network: Path, root: Path) -> tuple[Measurements, bool]:
    """Return the data of a CSV file and a network file under `root`, and True if this call froze them.

    Raises `RegimeError` or `DatasetError` for an invalid file, or if other data were frozen under that name.
    """
    table = read_table(csv)
    stated = read_stated(network)
    table = _named_as_in(stated, table)
    cut = cut_down(network, stated, table.metabolites)
    table = _restricted(table, cut.network.metabolite_names)
    regime = _regime(csv, network, table, cut)
    target = root / f"{regime.name}.yaml"
    if (REGIME_FOLDER / target.name).exists():
        raise RegimeError(f"--csv {csv}: '{regime.name}' is the name of another regime; rename the file")
    if target.exists() and read_known(target).fingerprint() != regime.fingerprint():
        raise RegimeError(
            f"--csv {csv}: {target} was made from other files; rename this one, or move {target} and "
            f"{root / regime.name} away"
        )
    frozen = not (root / regime.name).exists()
    if frozen:
        _freeze(regime, table, root)
    measurements = find_measurements(regime, root)
    if not target.exists():
        content = yaml.safe_dump(regime.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
        draft = target.with_name(f".{target.name}.partial")
        draft.write_text(content, encoding="utf-8")
        draft.replace(target)
    return measurements, frozen


def _named_as_in(stated: Cut, table: Table) -> Table:
    """Return the table with columns that have the id of an SBML species called by its name."""
    known = stated.network.metabolite_names
    return replace(table, metabolites=tuple(m if m in known else stated.names.get(m, m) for m in table.metabolites))


def _restricted(table: Table, metabolites: Sequence[str]) -> Table:
    columns = [table.metabolites.index(name) for name in metabolites]
    courses = tuple(replace(course, concentration=course.concentration[:, columns]) for course in table.courses)
    return replace(table, metabolites=tuple(metabolites), courses=courses)


def _regime(csv: Path, network: Path, table: Table, cut: Cut) -> Measured:
    size = f"{len(table.metabolites)} metabolites x {len(cut.network.reactions)} reactions"
    trajectories = "1 trajectory" if len(table.courses) == 1 else f"{len(table.courses)} trajectories"
    return Measured(
        name=name_of(csv),
        title=f"{csv.name}, {size}, measured: c(t) alone",
        description=f"Measured: {trajectories} of {len(table.courses[0].time)} samples from {csv.name}, with the "
        f"network of {network.name}. Left out: {cut.left_out or 'nothing'}."
        + f" Read with {', '.join(table.remarks)}."
        * bool(table.remarks),
        network=cut.network,
        readings=Origin(source=csv.name, sha256=hashlib.sha256(csv.read_bytes()).hexdigest()),
        training=Training(full_steps=_FULL_STEPS),
    )


def _freeze(regime: Measured, table: Table, root: Path) -> None:
    kept, back = _keep_back(regime.readings.source, table.courses)
    smooth = [_smoothed(course) for course in back]
    unknown, none = np.full_like(kept[0].concentration, np.nan), np.zeros((len(kept[0].time), 0))
    observations = stack([Trajectory(course.time, course.concentration, unknown, none) for course in kept])
    del observations["dcdt"]
    graph = regime.network.graph()
    arrays = {OBSERVATIONS: shown(graph, regime.constraints) | observations, HELDOUT: stack(smooth)}
    write(regime, root, arrays, _facts(regime, kept, back, smooth))


def _keep_back(source: str, courses: Sequence[TimeSeries]) -> tuple[list[TimeSeries], list[TimeSeries]]:
    """Split trajectories into those for trials and those for the scorer."""
    if len(courses) > 1:
        count = max(1, len(courses) // _SHARE)
        indices = {int((number + 0.5) * len(courses) / count) for number in range(count)}
        kept = [course for index, course in enumerate(courses) if index not in indices]
        return kept, [courses[index] for index in sorted(indices)]
    (course,) = courses
    last = len(course.time) // _SHARE
    if len(course.time) < LEAST_ALONE:
        raise DatasetError(
            f"--csv {source}: of a single trajectory the last fifth is kept back, which takes {LEAST_ALONE} samples or "
            f"more, but it has {len(course.time)}; measure more, or another trajectory"
        )
    parts = (slice(None, -last), slice(-last, None))
    first, second = (TimeSeries(course.name, course.time[part], course.concentration[part]) for part in parts)
    return [first], [second]


def _smoothed(course: TimeSeries) -> Trajectory:
    """Return the smoothing splines through a course, and their slopes."""
    spline = make_smoothing_spline(course.time, course.concentration)
    fitted, slope = np.asarray(spline(course.time)), np.asarray(spline.derivative()(course.time))
    return Trajectory(course.time, fitted, slope, np.zeros((len(course.time), 0)))


def _facts(
    regime: Measured, kept: Sequence[TimeSeries], back: Sequence[TimeSeries], smooth: Sequence[Trajectory]
) -> MeasuredFacts:
    frames = np.concatenate([course.concentration for course in kept])
    held = np.concatenate([course.concentration for course in back])
    residual = held - np.concatenate([trajectory.concentration for trajectory in smooth])
    noise = np.sqrt(np.mean(residual**2, axis=0) / np.mean(held**2, axis=0))
    network = regime.network
    return MeasuredFacts(
        metabolites=len(network.metabolite_names),
        reactions=len(network.reactions),
        edges=len(network.graph().met_all),
        metabolite_names=network.metabolite_names,
        reaction_names=network.reaction_names,
        trajectories=len(kept),
        frames=len(frames),
        heldout_trajectories=len(back),
        heldout_frames=len(held),
        followed_for=tuple(float(np.ptp(course.time)) for course in (*kept, *back)),
        activity_rank=activity_rank(frames),
        smallest_concentration=float(min(frames.min(), held.min())),
        largest_concentration=float(max(frames.max(), held.max())),
        noise=tuple(noise.tolist()),
    )

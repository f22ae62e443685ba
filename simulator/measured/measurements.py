"""Import of a user's measurements as frozen data, with a regime named after the CSV file.

NAME.yaml   the regime: the measured part of the network, and the origin of the readings
NAME/       the data, frozen like any other, without truth.npz and identifiability.npz

One trajectory in five is kept back for the scorer, spread evenly over the file; of a single one, its last fifth.
Where that leaves too little, nothing is kept back, and the scorer measures on what trials train on. The scorer needs
dc/dt. If it was not measured, it uses cubic smoothing splines through the data kept back, one per metabolite and
trajectory, whose smoothness is chosen by generalised cross-validation (Woltring, Advances in Engineering Software 8,
1986, 104). Trials get the readings as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict

from simulator.dataset import FACTS, HELDOUT, OBSERVATIONS, Arrays, FrozenData, check, shown, stack, write
from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.measured.column_names import ColumnNames, with_computed
from simulator.measured.csv_layout import arranged
from simulator.measured.csv_rows import read_rows
from simulator.measured.csv_table import LEAST_SAMPLES, Table, TimeSeries, read_table, table_of
from simulator.measured.filled_frames import FilledFrames, filled, usual_readings
from simulator.measured.measured_part import Cut, cut_down, refuse_slips
from simulator.measured.petab_problem import PetabProblem, is_petab, read_problem
from simulator.measured.prospects import Prospects, prospects_of
from simulator.measured.reading_noise import reading_noise
from simulator.measured.stated_network import read_stated
from simulator.measured_regime import Measured, Origin, read_known
from simulator.regime import REGIME_FOLDER, Training
from simulator.sbml import name_of
from simulator.smoothing import smoothing_spline
from stoichloop.errors import DatasetError, RegimeError

LEAST_ALONE = 25  # of a single trajectory, whose last fifth is held out
_SHARE = 5  # one in so many is kept back
_FULL_STEPS = 4000


class MeasuredFacts(BaseModel):
    """Facts about measured data. Concentrations and times are in the user's units.

    `noise` is the relative standard deviation of the readings of each metabolite, None where it cannot be told. Of data
    from before `table` was recorded, it is a share of the root mean square. `table` and `network` say what was done to
    both files. Without held-out trajectories, the scorer measures on what trials train on.
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
    noise: tuple[float | None, ...]
    inputs: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    prospects: Prospects | None = None


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


def import_measurements(csv: Path, network: Path | None, root: Path) -> tuple[Measurements, bool]:
    """Return the data of a CSV file and a network file under `root`, and True if this call froze them.

    A PEtab problem in place of the CSV file has a model, which is the network where none is given.
    Raises `RegimeError` or `DatasetError` for an invalid file, or if other data were frozen under that name.
    """
    problem = read_problem(csv) if is_petab(csv) else None
    network = network or (problem.model if problem else None)
    if network is None:
        raise RegimeError(f"--csv {csv}: the network is missing; give --network FILE")
    table, cut = _read(csv, problem, network)
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
        _freeze(regime, table, cut, root)
    measurements = find_measurements(regime, root)
    if not target.exists():
        content = yaml.safe_dump(regime.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
        draft = target.with_name(f".{target.name}.partial")
        draft.write_text(content, encoding="utf-8")
        draft.replace(target)
    return measurements, frozen


def _read(csv: Path, problem: PetabProblem | None, network: Path) -> tuple[Table, Cut]:
    """Read both files; raises `RegimeError` or `DatasetError` with the faults of both."""
    try:
        stated = read_stated(network)
    except RegimeError as error:
        others = [] if problem else _faults(lambda: read_table(csv))
        raise RegimeError("\n".join([str(error), *others])) from error
    names = ColumnNames(stated)
    rows = arranged(read_rows(csv)) if problem is None else problem.table
    try:
        table = with_computed(table_of(csv, rows, names.called, names.signed, stated.species), stated)
    except DatasetError as error:
        if slips := _faults(lambda: refuse_slips(network, stated, names.columns)):
            raise RegimeError("\n".join([*slips, str(error)])) from error
        raise
    refuse_slips(network, stated, names.columns)
    cut = cut_down(network, stated, table.metabolites, _steady(table))
    used = (*cut.network.metabolite_names, *cut.network.input_names)
    return replace(table.restricted(used), remarks=(*table.remarks, *names.remarks())), cut


def _faults(read: Callable[[], object]) -> list[str]:
    """Return the message of a file that is refused, nothing for another."""
    try:
        read()
    except (DatasetError, RegimeError) as error:
        return [str(error)]
    return []


def _steady(table: Table) -> list[str]:
    """Return what never changes along any trajectory."""
    return [
        name
        for place, name in enumerate(table.metabolites)
        if not any(_varies(course.concentration[:, place]) for course in table.courses)
    ]


def _varies(column: Floats) -> bool:
    return bool(np.fmax.reduce(column) > np.fmin.reduce(column))


def _regime(csv: Path, network: Path, table: Table, cut: Cut) -> Measured:
    size = f"{len(cut.network.metabolite_names)} metabolites x {len(cut.network.reactions)} reactions"
    trajectories = "1 trajectory" if len(table.courses) == 1 else f"{len(table.courses)} trajectories"
    lengths = sorted({len(course.time) for course in table.courses})
    samples = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    slopes = all(course.has_slopes(len(cut.network.metabolite_names)) for course in table.courses)
    return Measured(
        name=name_of(csv),
        title=f"{csv.name}, {size}, measured: c(t) {'and dc/dt' if slopes else 'alone'}",
        description=f"Measured: {trajectories} of {samples} samples from {csv.name}, with the network of "
        f"{network.name}.",
        network=cut.network,
        readings=Origin(source=csv.name, sha256=hashlib.sha256(csv.read_bytes()).hexdigest()),
        training=Training(full_steps=_FULL_STEPS),
    )


def _freeze(regime: Measured, table: Table, cut: Cut, root: Path) -> None:
    network, inputs = regime.network, len(regime.network.input_names)
    kept, back = _keep_back(table.courses)
    signed = np.arange(len(table.metabolites)) >= len(network.metabolite_names)
    usual = usual_readings(table.courses)
    frames = filled(kept, signed, usual)
    observations = stack([_trajectory(one, inputs) for one in frames])
    if frames[0].dcdt is None:
        del observations["dcdt"]
    scored = back or kept
    heldout = [_smoothed(raw, one, inputs) for raw, one in zip(scored, filled(scored, signed, usual), strict=True)]
    graph = network.graph()
    arrays = {
        OBSERVATIONS: shown(graph, regime.constraints)
        | vars(network.stated_kinetics())
        | network.stated_columns().arrays()
        | observations
        | _masks(frames, inputs),
        HELDOUT: stack(heldout),
    }
    write(regime, root, arrays, _facts(regime, table, cut, kept, back))


def _masks(frames: Sequence[FilledFrames], inputs: int) -> Arrays:
    """Return the masks of the readings of metabolites, where they tell something."""
    metabolites = frames[0].measured.shape[1] - inputs
    measured = np.stack([one.measured[:, :metabolites] for one in frames])
    below = np.stack([one.below[:, :metabolites] for one in frames])
    masks = {"measured": (measured, not measured.all()), "below": (below, below.any())}
    return {name: mask for name, (mask, telling) in masks.items() if telling}


def _keep_back(courses: Sequence[TimeSeries]) -> tuple[list[TimeSeries], list[TimeSeries]]:
    """Split trajectories into those for trials and those for the scorer, which may be none."""
    long = [index for index, course in enumerate(courses) if len(course.time) >= LEAST_SAMPLES]
    if len(courses) > 1:
        count = max(1, len(courses) // _SHARE)
        indices = {long[int((number + 0.5) * len(long) / count)] for number in range(count)} if len(long) > 1 else set()
        kept = [course for index, course in enumerate(courses) if index not in indices]
        return kept, [courses[index] for index in sorted(indices)]
    (course,) = courses
    if len(course.time) < LEAST_ALONE:
        return [course], []
    last = len(course.time) // _SHARE
    return [_part(course, slice(None, -last))], [_part(course, slice(-last, None))]


def _part(course: TimeSeries, part: slice) -> TimeSeries:
    return TimeSeries(
        course.name,
        course.time[part],
        course.concentration[part],
        course.below[part],
        course.dcdt[part],
        course.repeats[part],
    )


def _trajectory(one: FilledFrames, inputs: int) -> Trajectory:
    """Return filled frames with the inputs, the last columns, apart."""
    end = one.concentration.shape[1] - inputs
    dcdt = np.full_like(one.concentration, np.nan) if one.dcdt is None else one.dcdt
    return Trajectory(one.time, one.concentration[:, :end], dcdt[:, :end], one.concentration[:, end:])


def _smoothed(raw: TimeSeries, one: FilledFrames, inputs: int) -> Trajectory:
    """Return the smoothing splines through the readings of a course, and their slopes."""
    plain = _trajectory(one, inputs)
    if one.dcdt is not None:
        return plain
    fitted, slope = plain.concentration.copy(), np.gradient(plain.concentration, plain.time, axis=0)
    for place in range(fitted.shape[1]):
        column = raw.concentration[:, place]
        known = ~np.isnan(column)
        if known.sum() < LEAST_SAMPLES:
            continue
        if spline := smoothing_spline(raw.time[known], column[known]):
            fitted[:, place], slope[:, place] = spline(one.time), spline.derivative()(one.time)
    return replace(plain, concentration=fitted, dcdt=slope)


def _facts(
    regime: Measured, table: Table, cut: Cut, kept: Sequence[TimeSeries], back: Sequence[TimeSeries]
) -> MeasuredFacts:
    network = regime.network
    rows = len(network.metabolite_names)
    readings = np.concatenate([course.concentration[:, :rows] for course in table.courses])
    prospects = prospects_of(network, table.metabolites, table.courses, noise := _noise(table, rows), cut.missing)
    note = (
        ()
        if back
        else ("nothing is kept back, since that would leave too little: scores are measured on what is trained on",)
    )
    return MeasuredFacts(
        metabolites=rows,
        reactions=len(network.reactions),
        edges=len(network.graph().met_all),
        metabolite_names=network.metabolite_names,
        reaction_names=network.reaction_names,
        trajectories=len(kept),
        frames=sum(len(course.time) for course in kept),
        heldout_trajectories=len(back),
        heldout_frames=sum(len(course.time) for course in back),
        followed_for=tuple(float(np.ptp(course.time)) for course in (*kept, *back)),
        activity_rank=prospects.rank,
        smallest_concentration=float(np.nanmin(readings)),
        largest_concentration=float(np.nanmax(readings)),
        noise=tuple(None if np.isnan(share) else float(share) for share in noise[:rows]),
        inputs=network.input_names,
        table=(*table.remarks, *note),
        network=cut.notes,
        prospects=prospects,
    )


def _noise(table: Table, rows: int) -> Floats:
    """Return the relative noise of each column, from replicates if there are any; NaN for inputs, shape (N + U,)."""
    read = [np.where(course.below, np.nan, course.concentration)[:, :rows] for course in table.courses]
    estimated = reading_noise([course.time for course in table.courses], read)
    found = np.where(np.isnan(table.spread[:rows]), estimated, table.spread[:rows])
    return np.append(found, np.full(len(table.metabolites) - rows, np.nan))

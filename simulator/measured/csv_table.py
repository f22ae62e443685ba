"""A user's table of measured concentrations: a CSV file with one row per sample.

Its columns are `time`, `trajectory` if there are several, and one per metabolite, in any order. Every
reading is a positive number; a trajectory's times increase from row to row; all trajectories have equally many samples.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.kinetics import Floats
from stoichloop.errors import DatasetError

TIME, TRAJECTORY = "time", "trajectory"
LEAST_SAMPLES = 5  # of a trajectory: the minimum for a smoothing spline
_SMALLEST, _LARGEST = 1e-4, 1e5  # limits of the largest reading and of the longest time, for numerics


@dataclass(frozen=True)
class TimeSeries:
    """One measured trajectory: its name, time (F,) and concentration (F, N)."""

    name: str
    time: Floats
    concentration: Floats


@dataclass(frozen=True)
class Table:
    """All measured trajectories. The columns of their concentrations are `metabolites`."""

    metabolites: tuple[str, ...]
    courses: tuple[TimeSeries, ...]


def read_table(path: Path) -> Table:
    """Read and validate a CSV file; raises `DatasetError` with the row, the column and the mend."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetError(f"--csv {path}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"--csv {path}: cannot be read as text; save it as CSV in UTF-8") from error
    rows = _rows(path, text)
    _, header = next(rows, (0, []))
    metabolites = _metabolites(path, header)
    times, readings = dict[str, list[float]](), dict[str, list[list[float]]]()
    for number, row in rows:
        where = f"--csv {path}: row {number}"
        if len(row) != len(header):
            raise DatasetError(
                f"{where} has {len(row)} fields, but the header has {len(header)}; give one for each column"
            )
        fields = dict(zip(header, row, strict=True))
        name = fields.get(TRAJECTORY, "")
        if TRAJECTORY in fields and not name:
            raise DatasetError(f"{where}, column '{TRAJECTORY}': is empty; give the trajectory of the sample")
        time = _number(where, TIME, fields[TIME])
        before = times.setdefault(name, [])
        if before and time <= before[-1]:
            which = f" of trajectory '{name}'" if name else ""
            raise DatasetError(
                f"{where}, column '{TIME}': {time:g} comes after {before[-1]:g}{which}; sort the rows of a trajectory "
                f"by time, with one row per time, and name trajectories in a column '{TRAJECTORY}' if there are several"
            )
        before.append(time)
        readings.setdefault(name, []).append(
            [_reading(where, metabolite, fields[metabolite]) for metabolite in metabolites]
        )
    courses = tuple(TimeSeries(name, np.array(times[name]), np.array(readings[name])) for name in times)
    _refuse_what_cannot_be_used(path, courses)
    return Table(metabolites, courses)


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with its line number and its stripped fields."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if any(field.strip() for field in row):
                yield reader.line_num, [field.strip() for field in row]
    except csv.Error as error:
        raise DatasetError(f"--csv {path}: row {reader.line_num} cannot be read as CSV: {error}") from error


def _metabolites(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    if TIME not in header:
        hint = "; separate the columns by commas" if len(header) == 1 else ""
        raise DatasetError(
            f"--csv {path}: the first row has no column '{TIME}'; give the column of times this name{hint}"
        )
    twice = [name or "(no name)" for name, count in Counter(header).items() if count > 1 or not name]
    if twice:
        raise DatasetError(f"--csv {path}: column '{twice[0]}' must have a name of its own")
    metabolites = tuple(name for name in header if name not in (TIME, TRAJECTORY))
    if not metabolites:
        raise DatasetError(f"--csv {path}: has no column of a metabolite; give one for each that was measured")
    return metabolites


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        fault = f"'{text}' is no number" if text else "is empty"
        raise DatasetError(f"{where}, column '{column}': {fault}; give one like 0.25, or leave the row out")
    return value


def _reading(where: str, metabolite: str, text: str) -> float:
    value = _number(where, metabolite, text)
    if value <= 0.0:
        raise DatasetError(
            f"{where}, column '{metabolite}': {value:g} is no positive concentration; give the detection limit where "
            "nothing was detected, or leave the metabolite out"
        )
    return value


def _refuse_what_cannot_be_used(path: Path, courses: Sequence[TimeSeries]) -> None:
    if not courses:
        raise DatasetError(f"--csv {path}: holds no sample, only a header")
    lengths = Counter(len(course.time) for course in courses)
    if len(lengths) > 1:
        usual = lengths.most_common(1)[0][0]
        other = next(course for course in courses if len(course.time) != usual)
        raise DatasetError(
            f"--csv {path}: trajectory '{other.name}' has {len(other.time)} samples, but others have {usual}; "
            "give all trajectories equally many, at any times"
        )
    if (samples := len(courses[0].time)) < LEAST_SAMPLES:
        raise DatasetError(f"--csv {path}: a trajectory has {samples} samples; at least {LEAST_SAMPLES} are needed")
    spans = {
        "the largest concentration": max(float(course.concentration.max()) for course in courses),
        "the longest trajectory": max(float(course.time[-1] - course.time[0]) for course in courses),
    }
    for what, size in spans.items():
        if not _SMALLEST <= size <= _LARGEST:
            raise DatasetError(
                f"--csv {path}: {what} is {size:g}, not between {_SMALLEST:g} and {_LARGEST:g}; choose another unit"
            )
    if all(np.ptp(course.concentration, axis=0).max() == 0.0 for course in courses):
        raise DatasetError(f"--csv {path}: no concentration ever changes, so there is nothing to learn")

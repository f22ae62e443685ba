"""A user's table of measured concentrations: a CSV file with one row per sample.

Its columns are `time`, `trajectory` if there are several, and one per metabolite, in any order. Every
reading is a positive number; a trajectory's times increase from row to row; all trajectories have equally many samples.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from simulator.kinetics import Floats
from simulator.measured.csv_header import TRAJECTORY, Columns, find_columns
from simulator.measured.csv_rows import Row, read_rows, shown
from stoichloop.errors import DatasetError

LEAST_SAMPLES = 5  # of a trajectory: the minimum for a smoothing spline
LEAST_ALONE = 25  # of a single trajectory, whose last fifth is held out
_SMALLEST, _LARGEST = 1e-4, 1e5  # limits of the largest reading and of the longest time, for numerics

# Stricter than float(), which reads 4_1 as 41 and takes the digits of every script.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


@dataclass(frozen=True)
class TimeSeries:
    """One measured trajectory: its name, time (F,) and concentration (F, N)."""

    name: str
    time: Floats
    concentration: Floats


@dataclass(frozen=True)
class Table:
    """All measured trajectories. The columns of their concentrations are `metabolites`.

    `remarks` say how the file was read where it differs from the documented form.
    """

    metabolites: tuple[str, ...]
    courses: tuple[TimeSeries, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sample:
    """A row: the time and the readings, as they stand and as numbers, NaN where a field is none."""

    line: int
    trajectory: str
    fields: tuple[str, ...]
    values: tuple[float, ...]


def read_table(path: Path) -> Table:
    """Read and validate a CSV file; raises `DatasetError` with the row, the column and the mend."""
    table = read_rows(path)
    try:
        columns = find_columns(table.header, [row.fields for row in table.rows])
        samples, commas = _samples(columns, table.rows)
        if not samples:
            raise ValueError("holds no sample, only a header")
        names = (table.header[columns.time], *columns.metabolites)
        _refuse_columns_without_numbers(names, samples)
        courses = _by_trajectory(samples)
        _refuse_other_than_numbers(names, courses)
        _refuse_times(names[0], courses)
        _refuse_lengths(courses, table.header[columns.trajectory] if columns.trajectory is not None else "")
        _refuse_not_positive(names, samples)
        series = tuple(_series(name, course) for name, course in courses.items())
        _refuse_sizes(series)
    except ValueError as error:
        raise DatasetError(f"--csv {path}: {error}") from error
    return Table(tuple(columns.metabolites), series, columns.remarks + ("decimal commas",) * commas)


def _samples(columns: Columns, rows: Sequence[Row]) -> tuple[list[_Sample], bool]:
    """Return the samples, and whether their numbers have decimal commas."""
    places = (columns.time, *columns.metabolites.values())
    commas = _has_decimal_commas([(row.line, row.fields[place]) for row in rows for place in places])
    samples = []
    for row in rows:
        name = "" if columns.trajectory is None else row.fields[columns.trajectory]
        if columns.trajectory is not None and not name:
            raise ValueError(f"row {row.line}, column '{TRAJECTORY}': is empty; give the trajectory of the sample")
        fields = tuple(row.fields[place] for place in places)
        samples.append(_Sample(row.line, name, fields, tuple(_number(field, commas) for field in fields)))
    return samples, commas


def _has_decimal_commas(fields: Sequence[tuple[int, str]]) -> bool:
    """Return whether 0,25 means a quarter; raises `ValueError` where that cannot be told."""
    with_comma = [(line, field) for line, field in fields if _WITH_COMMA.fullmatch(field)]
    if not with_comma:
        return False
    line, field = with_comma[0]
    if point := next(((line, field) for line, field in fields if "." in field and _NUMBER.fullmatch(field)), None):
        raise ValueError(
            f"row {line} has {shown(field)} and row {point[0]} {shown(point[1])}; write all numbers with decimal points"
        )
    if all(_PERHAPS_THOUSANDS.fullmatch(field) for _, field in with_comma):
        raise ValueError(
            f"row {line}: {shown(field)} can be {field.replace(',', '.')} or {field.replace(',', '')}; write decimal "
            "points, and nothing between thousands"
        )
    return True


def _number(field: str, commas: bool) -> float:
    text = field.replace(",", ".") if commas else field
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else math.nan


def _refuse_columns_without_numbers(names: Sequence[str], samples: Sequence[_Sample]) -> None:
    for place, name in enumerate(names):
        if any(not math.isnan(sample.values[place]) for sample in samples):
            continue
        first = samples[0]
        if place == 0 and all(_NUMBER.fullmatch(other) for other in names[1:]):
            raise ValueError(
                "looks transposed, with the times in the header; transpose it, so that each row is a sample"
            )
        mend = "give one like 0.25" if place == 0 else "leave the column out"
        if not any(sample.fields[place] for sample in samples):
            raise ValueError(f"column '{name}' is empty; {mend}")
        mend += "" if place == 0 else f", or call it '{TRAJECTORY}' if it names the trajectory of a sample"
        raise ValueError(f"column '{name}': {shown(first.fields[place])} in row {first.line} is no number; {mend}")


def _by_trajectory(samples: Iterable[_Sample]) -> dict[str, list[_Sample]]:
    courses: dict[str, list[_Sample]] = {}
    for sample in samples:
        courses.setdefault(sample.trajectory, []).append(sample)
    return courses


def _refuse_other_than_numbers(names: Sequence[str], courses: dict[str, list[_Sample]]) -> None:
    whole = {name: [s for s in course if not any(map(math.isnan, s.values))] for name, course in courses.items()}
    faulty = [s for name, course in courses.items() for s in course if s not in whole[name]]
    if not faulty:
        return
    first = min(faulty, key=lambda sample: sample.line)
    place = next(place for place, value in enumerate(first.values) if math.isnan(value))
    fault = f"{shown(first.fields[place])} is no number" if first.fields[place] else "is empty"
    mends = ["give one like 0.25"]
    if (lengths := _equal_lengths(whole)) is not None:
        rows = "the row" if len(faulty) == 1 else f"all {len(faulty)} such rows"
        mends.append(f"leave {rows} out{', and ' * bool(lengths)}{lengths}")
    if place:
        mends.append("leave the column out")
    raise ValueError(f"row {first.line}, column '{names[place]}': {fault}; {', or '.join(mends)}")


def _equal_lengths(courses: dict[str, list[_Sample]]) -> str | None:
    """Return the mend that makes all trajectories equally long, None if too few samples would be left."""
    fit = [len(course) for course in courses.values() if len(course) >= LEAST_SAMPLES]
    short = [f"'{name}'" for name, course in courses.items() if len(course) < LEAST_SAMPLES]
    if not fit or (len(fit) == 1 and fit[0] < LEAST_ALONE):
        return None
    if len(courses) == 1:
        return ""
    without = f"leave out {', '.join(short)} with fewer than {LEAST_SAMPLES} samples, and " if short else ""
    return f"{without}keep {min(fit)} samples of each trajectory, since all need equally many, at any times"


def _refuse_times(time: str, courses: dict[str, list[_Sample]]) -> None:
    for name, course in courses.items():
        for before, sample in pairwise(course):
            if sample.values[0] <= before.values[0]:
                which = f" of trajectory '{name}'" if name else ""
                raise ValueError(
                    f"row {sample.line}, column '{time}': {sample.values[0]:g} comes after {before.values[0]:g}{which}"
                    "; sort the rows of a trajectory by time, with one row per time, and name trajectories in a column "
                    f"'{TRAJECTORY}' if there are several"
                )


def _refuse_lengths(courses: dict[str, list[_Sample]], column: str) -> None:
    lengths = Counter(len(course) for course in courses.values())
    usual = lengths.most_common(1)[0][0]
    if set(lengths) == {1} and len(courses) > 1:
        raise ValueError(
            f"column '{column}' has another name in every row, but it names the trajectory of a sample; delete it if "
            "it numbers the rows"
        )
    if len(lengths) > 1:
        name, other = next((name, len(course)) for name, course in courses.items() if len(course) != usual)
        mend = _equal_lengths(courses) or (
            f"measure more: at least {LEAST_SAMPLES} of each, or {LEAST_ALONE} of a single trajectory"
        )
        raise ValueError(f"trajectory '{name}' has {other} samples, but others have {usual}; {mend}")
    if usual < LEAST_SAMPLES:
        raise ValueError(f"a trajectory has {usual} samples; at least {LEAST_SAMPLES} are needed")


def _refuse_not_positive(names: Sequence[str], samples: Sequence[_Sample]) -> None:
    for sample in samples:
        place = next((place for place, value in enumerate(sample.values) if place and value <= 0.0), None)
        if place is None:
            continue
        smallest = min((s.values[place] for s in samples if s.values[place] > 0.0), default=None)
        mend = "leave the column out, since none of it is positive"
        if smallest is not None:
            mend = (
                "where nothing was detected, give the detection limit, or the column's smallest positive reading, "
                f"{smallest:g}"
            )
        raise ValueError(
            f"row {sample.line}, column '{names[place]}': {sample.values[place]:g} is no positive concentration; {mend}"
        )


def _series(name: str, course: Sequence[_Sample]) -> TimeSeries:
    values = np.array([sample.values for sample in course])
    return TimeSeries(name, values[:, 0].copy(), values[:, 1:].copy())


def _refuse_sizes(courses: Sequence[TimeSeries]) -> None:
    spans = {
        "the largest concentration": max(float(course.concentration.max()) for course in courses),
        "the longest trajectory": max(float(course.time[-1] - course.time[0]) for course in courses),
    }
    for what, size in spans.items():
        if not _SMALLEST <= size <= _LARGEST:
            raise ValueError(f"{what} is {size:g}, not between {_SMALLEST:g} and {_LARGEST:g}; choose another unit")
    if all(np.ptp(course.concentration, axis=0).max() == 0.0 for course in courses):
        raise ValueError("no concentration ever changes, so there is nothing to learn")

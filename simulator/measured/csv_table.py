"""A user's table of measured concentrations, read from a CSV file in any of the layouts that occur.

Gaps stay gaps here. What is done to the numbers is said in `remarks`; what cannot be read is said all at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.kinetics import Floats
from simulator.measured.column_units import unit_factors
from simulator.measured.csv_header import TRAJECTORY, Column, Columns, find_columns
from simulator.measured.csv_layout import arranged
from simulator.measured.csv_rows import CsvRows, Row, read_rows, shown
from simulator.measured.csv_values import has_decimal_commas, number_of, reading_of
from simulator.measured.problem_list import listed_problems, several, shortened
from simulator.measured.sample_merging import merged, restarted
from stoichloop.errors import DatasetError

LEAST_SAMPLES = 5  # of the longest trajectory: the minimum for a smoothing spline
_SMALLEST, _LARGEST = 1e-4, 1e5  # limits of the largest reading and of the longest time, for numerics
_CLOCK = re.compile(r"\d+:\d\d")  # hh:mm:ss, also behind a date
_SMALL_NEGATIVE = 0.1  # of the largest reading: a negative one that a subtracted background leaves


@dataclass(frozen=True)
class TimeSeries:
    """One measured trajectory; F samples of N metabolites.

    Attributes:
        concentration: NaN in gaps, shape (F, N). below: true where it is half the limit of detection, shape (F, N).
        dcdt: the measured derivatives, NaN in gaps, shape (F, N). repeats: readings of each entry, shape (F, N).
    """

    name: str
    time: Floats
    concentration: Floats
    below: NDArray[np.bool_]
    dcdt: Floats
    repeats: NDArray[np.int64]

    def has_slopes(self, count: int) -> bool:
        """Return whether derivatives of the first `count` columns were measured."""
        return bool((~np.isnan(self.dcdt[:, :count])).any(axis=0).all())


@dataclass(frozen=True)
class Table:
    """All measured trajectories. The columns of their concentrations are `metabolites`.

    Attributes:
        spread: standard deviation of repeated readings over their mean, NaN where nothing was repeated, shape (N,).
        remarks: what was done to the table, in sentences.
    """

    metabolites: tuple[str, ...]
    courses: tuple[TimeSeries, ...]
    spread: Floats
    remarks: tuple[str, ...] = ()

    def restricted(self, names: Sequence[str]) -> Table:
        """Return the table with these columns alone."""
        places = [self.metabolites.index(name) for name in names]
        courses = tuple(
            replace(
                course,
                **{key: getattr(course, key)[:, places] for key in ("concentration", "below", "dcdt", "repeats")},
            )
            for course in self.courses
        )
        return replace(self, metabolites=tuple(names), courses=courses, spread=self.spread[places])


def read_table(
    path: Path, called: Callable[[Column], str | None] = lambda column: column.name, signed: Collection[str] = ()
) -> Table:
    """Read a CSV file; raises `DatasetError` with all faults, each with row, column and mend.

    `called` returns the name of a column, None for one that is not used. Columns that are `signed` may hold any number.
    """
    return table_of(path, arranged(read_rows(path)), called, signed)


def table_of(
    path: Path,
    table: CsvRows,
    called: Callable[[Column], str | None],
    signed: Collection[str] = (),
    species: Collection[str] = (),
) -> Table:
    """Return the table in rows of samples, which `path` held; see `read_table`. `species` may name columns."""
    faults = list(table.faults)
    try:
        columns = find_columns(table.header, [row.fields for row in table.rows])
        names, slopes = (_names(found, called, faults) for found in (columns.readings, columns.derivatives))
        if not names:
            headings = [column.heading for column in (*columns.readings, *columns.derivatives)]
            raise ValueError(_no_species(headings, sorted(species)))
        if not table.rows and not faults:
            raise ValueError("holds no sample, only a header")
        reader = _FieldReader(columns, table.rows, names, slopes)
        raw = reader.read(table.header[columns.time])
        faults += reader.faults
        remarks = [*table.remarks, *columns.remarks, *reader.remarks]
        courses = _as_detected(raw, list(reader.names), signed, remarks, faults)
        if not faults:
            found = _scaled(_sized(Table(tuple(reader.names), courses, reader.spread), remarks), remarks)
            return replace(found, remarks=tuple(remarks))
    except ValueError as error:
        faults.append(str(error))
    raise DatasetError(listed_problems(f"--csv {path}", faults))


def _no_species(columns: Sequence[str], species: Sequence[str]) -> str:
    meant = f"; species: {shortened(species)}" if species else ""
    return (
        f"no column holds readings of a species of the network; columns: {shortened(columns)}{meant}; give both the "
        "same names"
    )


def _names(columns: Sequence[Column], called: Callable[[Column], str | None], faults: list[str]) -> dict[str, Column]:
    """Return the columns that are used, by their names; adds a fault for each that has the name of another."""
    found: dict[str, Column] = {}
    for column in columns:
        name = called(column)
        if name is None:
            continue
        if name in found:
            two = found[name].unit != column.unit
            faults.append(
                f"columns '{found[name].heading}' and '{column.heading}' both hold '{name}', but each must have a name "
                f"of its own{'; if they are one, convert them to one unit' * two}"
            )
        found.setdefault(name, column)
    return found


def _place(rows: Sequence[Row]) -> str:
    return f"row{'s' * (len(rows) > 1)} {shortened([str(row.line) for row in rows], 3)}"


def _fault_of_time(field: str) -> tuple[str, str]:
    """Return the fault of a field that is no time, and its mend."""
    if not field:
        return "is empty", "give one like 0.25"
    if _CLOCK.search(field):
        return "is no time since the start", "give seconds, like 90"
    return "is no number", "give one like 0.25"


class _FieldReader:
    """Reads the fields of the columns that are used, and collects their faults."""

    def __init__(
        self, columns: Columns, rows: Sequence[Row], names: dict[str, Column], slopes: dict[str, Column]
    ) -> None:
        self._columns, self._rows = columns, rows
        self.faults: list[str] = []
        self.remarks: list[str] = []
        places = [columns.time, *(column.index for column in (*names.values(), *slopes.values()))]
        self._commas = has_decimal_commas((row.line, row.fields[place]) for row in rows for place in places)
        if self._commas:
            self.remarks.append("decimal commas")
        self.names = {name: column for name, column in names.items() if self._has_numbers(column)}
        self._slopes = slopes
        lacking = [name for name in self.names if name not in slopes]
        if slopes and lacking:
            self.remarks.append(
                f"no measured derivative of {shortened(lacking)}; they are used if all metabolites have"
            )
        self.spread = np.full(len(self.names), np.nan)

    def _has_numbers(self, column: Column) -> bool:
        fields = [row.fields[column.index] for row in self._rows]
        if any(reading_of(field, self._commas) is None for field in fields) or any(
            not np.isnan([one.value, one.limit]).all() for field in fields if (one := reading_of(field, self._commas))
        ):
            return True
        self.remarks.append(f"column '{column.heading}' is empty: not measured")
        return False

    def read(self, time: str) -> list[TimeSeries]:
        """Return the trajectories as they stand, limits in place of readings below detection, gaps for `faults`."""
        sloping = {name: self._slopes[name] for name in self.names if name in self._slopes}
        factors = unit_factors(self.names, sloping, time)
        self.faults += factors.faults
        self.remarks += factors.remarks
        groups: dict[str, list[int]] = {}
        for number, row in enumerate(self._rows):
            name = "/".join(row.fields[place] for place in self._columns.trajectory)
            groups.setdefault(name, []).append(number)
        nameless = [self._rows[number] for name, rows in groups.items() if not name.strip("/") for number in rows]
        if self._columns.trajectory and nameless:
            self.faults.append(
                f"{_place(nameless)}, column '{TRAJECTORY}': is empty; give the trajectory of the sample"
            )
        times = self._times(time)
        values, limits = self._values(self.names, factors.of_readings())
        slopes = np.full_like(values, np.nan)
        places = [place for place, name in enumerate(self.names) if name in sloping]
        slopes[:, places] = self._values(sloping, factors.of_slopes())[0]
        if not self._columns.trajectory:
            groups = restarted(times)
            if len(groups) > 1:
                self.remarks.append(
                    f"the time goes back {several(len(groups) - 1, 'time')}: {len(groups)} trajectories"
                )
        return self._courses(groups, times, np.stack([values, limits, slopes]))

    def _courses(self, groups: Mapping[str, list[int]], times: Floats, stacked: Floats) -> list[TimeSeries]:
        courses, squares = [], []
        ordered, repeated = True, 0
        for name, members in groups.items():
            one = merged(times[members], stacked[:, members])
            ordered &= one.ordered
            repeated += len(members) - len(np.unique(times[members]))
            if len(one.time) < 2:
                empty = "a single sample" if len(one.time) else "no reading"
                self.remarks.append(f"trajectory '{name}' has {empty} and was left out")
                continue
            squares.append(one.relative_variance)
            below = np.isnan(one.values) & ~np.isnan(one.limits)
            concentration = np.where(below, one.limits, one.values)
            courses.append(TimeSeries(name, one.time, concentration, below, one.slopes, one.repeats))
        if not ordered:
            self.remarks.append("rows of a trajectory were sorted by time")
        if repeated:
            self.remarks.append(
                f"{several(repeated, 'row')} at a time that the trajectory has already: replicates, averaged"
            )
        pooled = np.concatenate(squares) if squares else np.zeros((0, len(self.names)))
        counted = (~np.isnan(pooled)).sum(axis=0)
        self.spread = np.sqrt(np.where(counted > 0, np.nansum(pooled, axis=0) / np.maximum(counted, 1), np.nan))
        return courses

    def _times(self, heading: str) -> Floats:
        """Return the times of all rows, NaN where there is none."""
        place = self._columns.time
        numbers = [number_of(row.fields[place], self._commas) for row in self._rows]
        wrong: dict[tuple[str, str], list[Row]] = {}
        for row, number in zip(self._rows, numbers, strict=True):
            if number is None:
                wrong.setdefault(_fault_of_time(row.fields[place]), []).append(row)
        for (fault, mend), rows in wrong.items():
            first = rows[0].fields[place]
            what = f"{shown(first)} {fault}" if first else fault
            self.faults.append(f"{_place(rows)}, column '{heading}': {what}; {mend}")
        return np.array([np.nan if number is None else number for number in numbers])

    def _values(self, names: Mapping[str, Column], factors: Floats) -> tuple[Floats, Floats]:
        """Return values and limits, each of shape (rows, columns), NaN where there is none."""
        values = np.full((2, len(self._rows), len(names)), np.nan)
        for place, column in enumerate(names.values()):
            wrong = []
            for number, row in enumerate(self._rows):
                field = row.fields[column.index]
                reading = reading_of(field, self._commas)
                if reading is None:
                    wrong.append(f"{shown(field)} in row {row.line}")
                else:
                    values[:, number, place] = reading.value, reading.limit
            if wrong:
                self.faults.append(
                    f"column '{column.heading}': {shortened(wrong, 3)} is no number; give one like 0.25, leave it "
                    f"empty, or call the column '{TRAJECTORY}' if it names the trajectory of a sample"
                )
        return values[0] * factors, values[1] * factors


def _as_detected(
    courses: Sequence[TimeSeries], names: Sequence[str], signed: Collection[str], remarks: list[str], faults: list[str]
) -> tuple[TimeSeries, ...]:
    """Return courses with half the limit of detection where nothing was detected; adds to `faults`."""
    counts = {"gaps": 0, "readings below detection": 0, "zeros and small negative numbers": 0}
    found = [replace(c, concentration=c.concentration.copy(), below=c.below.copy()) for c in courses]
    for place, name in enumerate(names):
        columns = [course.concentration[:, place] for course in found]
        counts["gaps"] += sum(int(np.isnan(column).sum()) for column in columns)
        if name in signed or not columns:
            continue
        every = np.concatenate(columns)
        largest = float(np.nanmax(every, initial=0.0))
        smallest = float(np.nanmin(every[every > 0], initial=np.inf))
        if (every < -_SMALL_NEGATIVE * largest).any():
            faults.append(
                f"column '{name}': {np.nanmin(every):g} is no concentration; give positive numbers, and undo a "
                "logarithm or a normalisation if the column has one"
            )
            continue
        for course in found:
            column, below = course.concentration[:, place], course.below[:, place]
            nothing: NDArray[np.bool_] = np.less_equal(column, 0)
            counts["zeros and small negative numbers"] += int(np.sum(nothing & ~below))
            counts["readings below detection"] += int(np.sum(below))
            column[nothing] = smallest if np.isfinite(smallest) else np.nan
            below[nothing] = True
            column[below] /= 2
    gaps, undetected, zeros = counts.values()
    if gaps:
        remarks.append(
            f"{several(gaps, 'gap')} marked as not measured; methods that need a number get an interpolation"
        )
    if undetected:
        remarks.append(f"{several(undetected, 'reading')} below detection marked as such; half the limit stands there")
    if zeros:
        remarks.append(
            f"{several(zeros, 'zero or small negative reading')} taken as below the smallest reading of the metabolite"
        )
    return tuple(found)


def _sized(table: Table, remarks: list[str]) -> Table:
    """Return the table without columns that hold no reading; raises `ValueError` if too little is left."""
    if not table.metabolites:
        raise ValueError("all columns of species are empty; give readings")
    if max((len(course.time) for course in table.courses), default=0) < LEAST_SAMPLES:
        most = max((len(course.time) for course in table.courses), default=1)
        raise ValueError(f"the longest trajectory has {most} samples; at least {LEAST_SAMPLES} are needed")
    seen = np.concatenate([~np.isnan(course.concentration) & ~course.below for course in table.courses])
    for place, name in enumerate(table.metabolites):
        if not seen[:, place].any():
            remarks.append(f"'{name}' was never above detection: not measured")
    table = table.restricted([name for place, name in enumerate(table.metabolites) if seen[:, place].any()])
    for course in table.courses:
        first, last = course.concentration[0], course.concentration[-1]
        if len(table.metabolites) > 2 and np.array_equal(first, last) and not np.isnan(first).all():
            which = f" of trajectory '{course.name}'" if course.name else ""
            remarks.append(
                f"the last sample{which} equals the first in every digit: delete it if it is a copy and no reading"
            )
    if not any(np.ptp(_known(column)) > 0 for course in table.courses for column in course.concentration.T):
        raise ValueError("no concentration ever changes, so there is nothing to learn")
    return table


def _known(column: Floats) -> Floats:
    known = column[~np.isnan(column)]
    return known if len(known) else np.zeros(1)


def _scaled(table: Table, remarks: list[str]) -> Table:
    """Return the table in units that make its numbers moderate; S does not depend on units."""
    largest = float(np.nanmax(np.abs(np.concatenate([course.concentration for course in table.courses]))))
    longest = max(float(np.ptp(course.time)) for course in table.courses)
    powers = [0 if _SMALLEST <= size <= _LARGEST else round(float(np.log10(size))) for size in (largest, longest)]
    for what, power in zip(("concentrations", "times"), powers, strict=True):
        if power:
            remarks.append(f"{what} are in 1e{power:+d} of the unit of the file, which S does not depend on")
    if not any(powers):
        return table
    amount, duration = 10.0 ** powers[0], 10.0 ** powers[1]
    courses = tuple(
        replace(
            course,
            time=course.time / duration,
            concentration=course.concentration / amount,
            dcdt=course.dcdt * duration / amount,
        )
        for course in table.courses
    )
    return replace(table, courses=courses)

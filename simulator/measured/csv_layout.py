"""Layouts of a table, brought to one row for each sample and one column for each metabolite.

Metabolites may stand in rows, with the times in the first row or in a row of their own. In the long form, as PEtab has
it, each reading has a row: time, name and value. A row of units may follow the header.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from simulator.measured.csv_header import (
    TIME,
    TIME_UNIT,
    TRAJECTORY,
    is_time,
    is_trajectory,
    name_and_unit,
    unit_of_times,
)
from simulator.measured.csv_rows import CsvRows, Row
from simulator.measured.csv_values import is_number

_NAME = re.compile(r"metabolites?|species|observables?|variables?|compounds?|analytes?|names?", re.IGNORECASE)
_VALUE = re.compile(r"values?|measurements?|concentrations?|conc\.?|readings?|amounts?", re.IGNORECASE)
_UNITS = re.compile(r"(?:(?:value|measurement|concentration|conc)[ _])?units?", re.IGNORECASE)
_ID = re.compile(r"[ _]?(id|name)$", re.IGNORECASE)
_TIMED = re.compile(rf"(?:t\s*=?\s*)?(?P<number>\S+?)\s*(?P<unit>{TIME_UNIT})?", re.IGNORECASE)
_UNIT = re.compile(r"[\[(]?[^\d\s]{1,2}?\w{0,8}(/\w+)*[\])]?")
# Of the columns of PEtab that tell trajectories apart; `datasetId` may differ between metabolites of one of them.
_PETAB_RUNS = ("preequilibrationConditionId", "simulationConditionId", "replicateId")


@dataclass(frozen=True)
class _LongRow:
    """A reading with its place."""

    line: int
    trajectory: str
    time: str
    name: str
    value: str


def arranged(table: CsvRows) -> CsvRows:
    """Return the table with a row for each sample; `remarks` say what was done."""
    found = _in_samples(_with_units(replace(table, faults=())))
    return replace(found, faults=(*table.faults, *found.faults))


def _in_samples(table: CsvRows) -> CsvRows:
    header = table.header
    if not any(map(is_time, header[1:])):
        timed = [index for index, name in enumerate(header) if index and is_number(_number_in(name))]
        if len(timed) > 1 and 2 * len(timed) >= len(header) - 1:
            return _from_rows_of_metabolites(table, timed)
    if not any(map(is_time, header)):
        return _transposed(table) if any(is_time(row.fields[0]) for row in table.rows) else table
    names = [index for index, name in enumerate(header) if _NAME.fullmatch(_ID.sub("", name))]
    values = [index for index, name in enumerate(header) if _VALUE.fullmatch(name_and_unit(name)[0])]
    if len(names) == 1 and len(values) == 1:
        return _from_long(table, names[0], values[0])
    return table


def _number_in(name: str) -> str:
    found = _TIMED.fullmatch(name)
    return found["number"] if found else name


def _with_units(table: CsvRows) -> CsvRows:
    """Return the table with a row of units moved into the header."""
    if not table.rows:
        return table
    first, *rest = table.rows
    places = [index for index, name in enumerate(table.header) if is_time(name)]
    named = [field for field in first.fields if field]
    if not places or not rest or not all(_UNIT.fullmatch(field) for field in named):
        return table
    if not re.fullmatch(rf"[\[(]?(?:{TIME_UNIT})[\])]?", first.fields[places[0]], re.IGNORECASE):
        return table
    header = tuple(
        _with_unit(name, unit) if name != TRAJECTORY and (name != TIME or len(places) == 1) else name
        for name, unit in zip(table.header, first.fields, strict=True)
    )
    return CsvRows(header, tuple(rest), (*table.remarks, f"row {first.line} was read as units"))


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit.strip('[]()')}]" if unit else name


def _unit_column(header: Sequence[str], others: Collection[int]) -> int | None:
    """Return the column that holds the units of readings, None if there is none."""
    return next((index for index, one in enumerate(header) if index not in others and _UNITS.fullmatch(one)), None)


def _transposed(table: CsvRows) -> CsvRows:
    """Return a table whose times stand in a row, with rows and columns exchanged."""
    lines = [table.header, *(row.fields for row in table.rows)]
    if not lines[0][0] or _NAME.fullmatch(lines[0][0]):  # names of samples
        lines = lines[1:]
    header, *samples = zip(*lines, strict=True)
    rows = tuple(Row(number, fields) for number, fields in enumerate(samples, 2))
    return CsvRows(tuple(header), rows, (*table.remarks, "rows and columns were exchanged: the times stand in a row"))


def _from_rows_of_metabolites(table: CsvRows, timed: Sequence[int]) -> CsvRows:
    """Return a table whose header holds the times, with a row for each time."""
    labels = [index for index in range(len(table.header)) if index not in timed]
    unit = _unit_column(table.header, timed) if len(labels) > 1 else None
    left = [index for index in labels if index != unit]
    plain = [index for index in left if not is_trajectory(table.header[index])] or left[:1]
    name = next((index for index in plain if _NAME.fullmatch(table.header[index])), plain[0])
    runs = [index for index in left if index != name and is_trajectory(table.header[index])]
    others = [f"'{table.header[index]}'" for index in plain if index != name]
    long = [
        _LongRow(
            row.line,
            _joined(row, runs),
            _number_in(table.header[index]),
            _with_unit(row.fields[name], "" if unit is None else row.fields[unit]),
            row.fields[index],
        )
        for row in table.rows
        for index in timed
    ]
    remarks = [f"metabolites stand in rows, the times in the first row: {len(table.rows)} rows became columns"]
    if others:
        remarks.append(f"columns of metabolites without a time were not read: {', '.join(others)}")
    found = [match["unit"] for index in timed if (match := _TIMED.fullmatch(table.header[index]))]
    units = sorted({one for one in (*found, unit_of_times(table.header[0])) if one})
    time = f"{TIME} [{units[0]}]" if units else TIME
    several = f"the times in the first row are in several units: {', '.join(units)}; give all in one"
    return replace(_pivoted(long, bool(runs), (*table.remarks, *remarks), time), faults=(several,) * (len(units) > 1))


def _from_long(table: CsvRows, name: int, value: int) -> CsvRows:
    """Return a table of one reading a row with a row for each sample."""
    header = table.header
    time = next((index for index, one in enumerate(header) if one == TIME), None)
    if time is None:
        time = next(index for index, one in enumerate(header) if is_time(one))
    runs = [index for index, one in enumerate(header) if one in _PETAB_RUNS]
    runs = runs or [index for index, one in enumerate(header) if is_trajectory(one) and index != name]
    place, unit = _unit_column(header, (time, name, value, *runs)), name_and_unit(header[value])[1]
    long = [
        _LongRow(
            row.line,
            _joined(row, runs),
            row.fields[time],
            _with_unit(row.fields[name], unit if place is None else row.fields[place]),
            row.fields[value],
        )
        for row in table.rows
    ]
    remarks = [f"each reading has a row, with its name in column '{header[name]}' and itself in '{header[value]}'"]
    if runs:
        remarks.append(f"trajectories are named by {' and '.join(repr(header[index]) for index in runs)}")
    if place is not None:
        remarks.append(f"units of readings in column '{header[place]}'")
    return _pivoted(long, bool(runs), (*table.remarks, *remarks), header[time])


def long_form(rows: Sequence[Row], remarks: tuple[str, ...]) -> CsvRows:
    """Return the table of rows that hold the trajectory, the time, the name and the value of one reading each."""
    return _pivoted([_LongRow(row.line, *row.fields) for row in rows], True, remarks)


def _joined(row: Row, places: Sequence[int]) -> str:
    return "/".join(field for field in (row.fields[place] for place in places) if field)


def _pivoted(long: Sequence[_LongRow], named: bool, remarks: tuple[str, ...], time: str = TIME) -> CsvRows:
    """Return one row for each trajectory, time and repetition; the line is that of the first reading."""
    names = list(dict.fromkeys(reading.name for reading in long))
    samples: dict[tuple[str, str, int], dict[str, str]] = {}
    lines: dict[tuple[str, str, int], int] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for reading in long:
        cell = (reading.trajectory, reading.time, reading.name)
        key = (reading.trajectory, reading.time, seen.get(cell, 0))
        seen[cell] = key[2] + 1
        samples.setdefault(key, {})[reading.name] = reading.value
        lines.setdefault(key, reading.line)
    rows = tuple(Row(lines[key], _fields(key, found, names, named)) for key, found in samples.items())
    return CsvRows((*((TRAJECTORY,) * named), time, *names), rows, remarks)


def _fields(key: tuple[str, str, int], found: Mapping[str, str], names: Sequence[str], named: bool) -> tuple[str, ...]:
    return (*((key[0],) * named), key[1], *(found.get(name, "") for name in names))

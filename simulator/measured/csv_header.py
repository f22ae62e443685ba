"""The header of a user's table: which columns hold times, names of trajectories, readings and derivatives.

`time` and `trajectory` are found under these names first, and otherwise under the names that people and programs give
them: `Time [min]`, `t`, `time_s`; `Run`, `id`, `condition`. A nameless column of row numbers is no metabolite. Headings
may have a unit, as in `ATP [mM]`. `dATP/dt` holds the measured derivative of ATP.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TIME, TRAJECTORY = "time", "trajectory"
_SECONDS = {
    unit: size
    for size, units in {
        1e-3: ("ms",),
        1.0: ("s", "sec", "secs", "second", "seconds"),
        60.0: ("m", "min", "mins", "minute", "minutes"),
        3600.0: ("h", "hr", "hrs", "hour", "hours"),
        86400.0: ("d", "day", "days"),
    }.items()
    for unit in units
}
TIME_UNIT = "|".join(_SECONDS)

# `T` may be a metabolite, so a single letter must be small.
_IS_TIME = re.compile(rf"(?:(?i:time)|t)(?:\s*[\[(/].*|[\s_]+(?i:in )?(?i:{TIME_UNIT}))?")
_TIMES_IN = re.compile(rf"(?i:(?:time|t)(?:\s*[\[(/]\s*|[\s_]+(?:in )?)({TIME_UNIT})\s*[\])]?)")
_RATE_UNIT = re.compile(rf"(.+?)\s*(?:/\s*({TIME_UNIT})|[ *·]\s*({TIME_UNIT})\s*(?:\^?-1|⁻¹))", re.IGNORECASE)
_IS_TRAJECTORY = re.compile(
    r"(trajectory|run|experiment|condition|replicate|id)([ _]?(id|name|no|number))?", re.IGNORECASE
)
_NAMELESS = re.compile(r"(Unnamed: \d+)?")  # pandas names a nameless column so
_WHOLE = re.compile(r"\d*", re.ASCII)
_DERIVATIVE = re.compile(r"d(?:\[(.+)\]|\((.+)\)|(.+))/dt|dcdt[_ ](.+)", re.IGNORECASE)
_MOLAR = {
    unit: size
    for size, units in {
        1.0: ("M", "mol/l"),
        1e-3: ("mM", "mmol/l", "umol/ml", "µmol/ml", "μmol/ml"),
        1e-6: ("uM", "µM", "μM", "umol/l", "µmol/l", "μmol/l", "nmol/ml"),
        1e-9: ("nM", "nmol/l", "pmol/ml"),
    }.items()
    for unit in (*units, *(unit.replace("/l", "/L").replace("/ml", "/mL") for unit in units if "/" in unit))
}
_WITH_UNIT = re.compile(r"(.+?)\s*(?:[\[(]\s*([^\[\]()]+?)\s*[\])]|[ _](?:in )?(" + "|".join(_MOLAR) + r"))")


@dataclass(frozen=True)
class Column:
    """A column of readings: its index, heading, name without the unit, and unit if it has one."""

    index: int
    heading: str
    name: str
    unit: str


@dataclass(frozen=True)
class Columns:
    """The columns of a table by their meaning, and remarks on guesses of the reader."""

    time: int
    trajectory: tuple[int, ...]
    readings: tuple[Column, ...]
    derivatives: tuple[Column, ...]
    remarks: tuple[str, ...]


def is_time(name: str) -> bool:
    """Return whether a column of this name can hold the times."""
    return _IS_TIME.fullmatch(name) is not None


def is_trajectory(name: str) -> bool:
    """Return whether a column of this name can hold names of trajectories."""
    return _IS_TRAJECTORY.fullmatch(name) is not None


def size_of_unit(unit: str) -> float | None:
    """Return the size of a unit of concentration in mol/l, None if it is none of these."""
    return _MOLAR.get(unit)


def seconds_in(unit: str) -> float | None:
    """Return the length of a unit of time in seconds, None if it is none."""
    return _SECONDS.get(unit.lower())


def unit_of_times(heading: str) -> str:
    """Return the unit in the heading of the times, empty if it has none."""
    found = _TIMES_IN.fullmatch(heading)
    return found[1] if found else ""


def rate_units(unit: str) -> tuple[str, str] | None:
    """Return the units of concentration and time in that of a derivative, None if it is not one over the other."""
    found = _RATE_UNIT.fullmatch(unit)
    return (found[1], found[2] or found[3]) if found else None


def find_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Return the meaning of each column; raises `ValueError` with the mend."""
    times = [index for index, name in enumerate(header) if name == TIME] or [
        index for index, name in enumerate(header) if is_time(name)
    ]
    if not times:
        raise ValueError(_no_time(header))
    if len(times) > 1:
        names = " and ".join(f"'{header[index]}'" for index in times)
        raise ValueError(f"columns {names} can both be the column '{TIME}'; keep one, and call it '{TIME}'")
    trajectory, numbering = _trajectory(header, rows)
    numbers = [index for index, name in enumerate(header) if _holds_row_numbers(index, name, rows)]
    others = [index for index in range(len(header)) if index not in (times[0], *trajectory, *numbering, *numbers)]
    if any(not header[index] for index in others):
        raise ValueError("has a column without a name; name it or delete it")
    if not others:
        raise ValueError("has no column of a metabolite; give one for each that was measured")
    slopes = {index: found for index in others if (found := _DERIVATIVE.fullmatch(name_and_unit(header[index])[0]))}
    remarks = []
    if header[times[0]] != TIME:
        remarks.append(f"time in column '{header[times[0]]}'")
    if trajectory and [header[index] for index in trajectory] != [TRAJECTORY]:
        remarks.append(f"trajectory in column {' and '.join(repr(header[index]) for index in trajectory)}")
    if dropped := len(numbers):
        remarks.append(f"without {dropped} nameless column{'s' * (dropped > 1)}")
    remarks += [f"column '{header[index]}' numbers the rows and was not read" for index in numbering]
    return Columns(
        times[0],
        trajectory,
        tuple(Column(index, header[index], *name_and_unit(header[index])) for index in others if index not in slopes),
        tuple(
            Column(index, header[index], next(filter(None, found.groups())), name_and_unit(header[index])[1])
            for index, found in slopes.items()
        ),
        tuple(remarks),
    )


def name_and_unit(heading: str) -> tuple[str, str]:
    """Return the name in a heading, and its unit."""
    found = _WITH_UNIT.fullmatch(heading)
    return (found[1], found[2] or found[3]) if found else (heading, "")


def _trajectory(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[tuple[int, ...], list[int]]:
    """Return the columns that name trajectories together, and those that only number the rows."""
    exact = [index for index, name in enumerate(header) if name == TRAJECTORY]
    found = exact or [index for index, name in enumerate(header) if is_trajectory(name)]
    if exact:
        return tuple(exact), []
    numbering: list[int] = []
    while found and len(rows) > 1 and len({tuple(row[i] for i in found) for row in rows}) == len(rows):
        finest = max(found, key=lambda index: len({row[index] for row in rows}))
        numbering.append(finest)
        found = [index for index in found if index != finest]
    return tuple(found), numbering


def _no_time(header: Sequence[str]) -> str:
    fault = f"the first row has no column '{TIME}'"
    if len(header) == 1:
        return f"{fault}; give the column of times this name, and separate the columns by commas, semicolons or tabs"
    nameless = " (the first column has no name)" if _NAMELESS.fullmatch(header[0] if header else "") else ""
    return f"{fault}{nameless}; give the column of times this name"


def _holds_row_numbers(index: int, name: str, rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a nameless column is the index of a data frame, or empty."""
    pattern = _WHOLE if index == 0 else re.compile("")
    return bool(_NAMELESS.fullmatch(name)) and all(pattern.fullmatch(row[index]) for row in rows)

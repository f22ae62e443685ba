"""Units of the columns of a table: factors that bring them to one of concentration and to that of the times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from simulator.kinetics import Floats
from simulator.measured.csv_header import Column, rate_units, seconds_in, size_of_unit, unit_of_times
from simulator.measured.problem_list import shortened


@dataclass
class UnitFactors:
    """Factors by which the fields of each column are multiplied, by name, with what was done and what is wrong."""

    readings: Mapping[str, float]
    slopes: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def of_readings(self) -> Floats:
        """Return the factors of readings, shape (columns,)."""
        return np.array(list(self.readings.values()))

    def of_slopes(self) -> Floats:
        """Return the factors of derivatives, shape (derivatives,)."""
        return np.array(list(self.slopes.values()))


def unit_factors(columns: Mapping[str, Column], slopes: Mapping[str, Column], time: str) -> UnitFactors:
    """Return the factors of columns and of the derivatives of some of them; `time` is the heading of the times."""
    remarks: list[str] = []
    faults: list[str] = []
    sizes = {column.unit: size_of_unit(column.unit) for column in columns.values()}
    known = [size for column in columns.values() if (size := sizes[column.unit]) is not None]
    others = sorted(unit for unit, size in sizes.items() if unit and size is None)
    named = ", ".join(sorted({*sizes} - {""}))
    if len(others) + bool(known) > 1:
        faults.append(
            f"columns have the units {named}, which cannot be brought to one, and then no integers exist to be found; "
            "convert them"
        )
    chosen = max(set(known), key=lambda size: (known.count(size), size), default=None)
    common = next((unit for unit, size in sizes.items() if size == chosen), "") if known else "".join(others[:1])
    if len(set(known)) > 1:
        remarks.append(f"concentrations in {named} were brought to {common}")
    bare = [column.heading for column in columns.values() if not column.unit]
    if known and bare:
        remarks.append(f"columns without a unit are taken in {common}: {shortened(bare)}")
    readings = {
        name: 1.0 if chosen is None or (size := sizes[column.unit]) is None else size / chosen
        for name, column in columns.items()
    }
    found = UnitFactors(readings, remarks=remarks, faults=faults)
    _add_slopes(found, slopes, common, unit_of_times(time))
    return found


def _add_slopes(found: UnitFactors, slopes: Mapping[str, Column], common: str, per: str) -> None:
    """Add the factors of derivatives, which end in the units `common` of the readings and `per` of the times."""
    units = {name: rate_units(column.unit) for name, column in slopes.items() if column.unit}
    stated = {name: unit for name, unit in units.items() if unit}
    common = common or _assumed(found, "readings", [amount for amount, _ in stated.values()], "'A [mM]'")
    per = per or _assumed(found, "times", [duration for _, duration in stated.values()], "'time [min]'")
    for name, column in slopes.items():
        found.slopes[name] = found.readings[name]
        if not column.unit:
            continue
        unit = stated.get(name)
        amount = _ratio(unit[0], common, size_of_unit) if unit else None
        duration = _ratio(unit[1], per, seconds_in) if unit else None
        if amount is None or duration is None:
            found.faults.append(
                f"column '{column.heading}': '{column.unit}' is no unit of the readings over one of the times; "
                f"write one like {common or 'mM'}/{per or 'min'}"
            )
        else:
            found.slopes[name] = amount / duration
    converted = [slopes[name].heading for name in stated if not np.isclose(found.slopes[name], 1)]
    if converted:
        found.remarks.append(f"derivatives were brought to {common}/{per}: {shortened(converted)}")
    bare = [column.heading for column in slopes.values() if not column.unit]
    if bare and (stated or any(found.slopes[name] != 1 for name in slopes)):
        found.remarks.append(
            f"derivatives without a unit are taken in that of their readings over that of the times: {shortened(bare)}"
        )


def _assumed(found: UnitFactors, what: str, units: Sequence[str], example: str) -> str:
    """Return the unit of derivatives for readings or times that have none."""
    choices = sorted(set(units))
    if len(choices) > 1:
        found.faults.append(
            f"the {what} have no unit, but the derivatives have several ({', '.join(choices)}); give the {what} "
            f"theirs, as in {example}"
        )
    elif choices:
        found.remarks.append(f"{what} without a unit are taken in {choices[0]}, as the derivatives are")
    return choices[0] if choices else ""


def _ratio(unit: str, other: str, size: Callable[[str], float | None]) -> float | None:
    """Return how many of the other unit one unit is, None where that is unknown."""
    if unit == other:
        return 1.0
    one, two = size(unit), size(other)
    return None if one is None or two is None else one / two

"""Units in the headings of a table: which are converted, which are assumed and said, and which are refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simulator.measured.csv_table import read_table
from stoichloop.errors import DatasetError
from tests.simulator.measured.test_found_tables import assert_remark, column, read


def falling(header: str, slope: float) -> list[str]:
    return [header, *(f"{t},{9 - t},{slope},1" for t in range(5))]


@pytest.mark.parametrize(
    ("header", "slope", "words"),
    [
        ("time [min],A [mM],dA/dt [uM/min],B [mM]", -1000, "derivatives were brought to mM/min: dA/dt [uM/min]"),
        ("time [min],A [mM],dA/dt (mM s^-1),B [mM]", -1 / 60, "derivatives were brought to mM/min: dA/dt (mM s^-1)"),
        ("time_h,A_mM,dA/dt [mM/min],B_mM", -1 / 60, "derivatives were brought to mM/h"),
        ("time,A [mM],dA/dt [uM/min],B [mM]", -1000, "times without a unit are taken in min, as the derivatives are"),
        ("time [min],A,dA/dt [mM/s],B", -1 / 60, "readings without a unit are taken in mM, as the derivatives are"),
        ("time [min],A [a.u.],dA/dt [a.u./s],B [a.u.]", -1 / 60, "derivatives were brought to a.u./min"),
    ],
)
def test_measured_derivatives_are_brought_to_the_units_of_readings_and_times(
    tmp_path: Path, header: str, slope: float, words: str
) -> None:
    found = read(tmp_path, *falling(header, slope))
    np.testing.assert_allclose(found.courses[0].dcdt[:, 0], -1)
    assert_remark(found, words)


def test_a_row_of_units_gives_those_of_times_and_derivatives(tmp_path: Path) -> None:
    found = read(tmp_path, *falling("time,A,dA/dt,B\nmin,mM,mM/s,mM", -1 / 60))
    np.testing.assert_allclose(found.courses[0].dcdt[:, 0], -1)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("time [min],A [mM],dA/dt [mM],B [mM]", r"column 'dA/dt \[mM\]': 'mM' is no unit .*; write one like mM/min"),
        ("time [min],A [mM],dA/dt [g/min],B [mM]", r"'g/min' is no unit of the readings over one of the times"),
        (
            "time,A [mM],dA/dt [mM/s],dB/dt [mM/min],B [mM]",
            r"the times have no unit, but the derivatives have several \(min, s\); .* as in 'time \[min\]'",
        ),
    ],
)
def test_units_of_derivatives_that_cannot_be_told_are_refused(tmp_path: Path, header: str, words: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text("\n".join([header, *(f"{t},{9 - t}" + ",1" * (header.count(",") - 1) for t in range(5))]))
    with pytest.raises(DatasetError, match=words):
        read_table(path)


def test_columns_without_a_unit_beside_others_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, "time,A [mM],B [uM],C,D", *(f"{t},{1 + t},1000,3,4" for t in range(5)))
    assert_remark(found, "columns without a unit are taken in mM: C, D")
    np.testing.assert_allclose(column(found, "B"), 1)


LONG = [f"{t},{name},{value},{unit}" for t in range(5) for name, value, unit in (("A", 1 + t, "mM"), ("B", 2000, "uM"))]


@pytest.mark.parametrize(
    "lines",
    [
        ["time,metabolite,value,unit", *LONG],
        ["metabolite,unit,0,1,2,3,4", "A,mM,1,2,3,4,5", "B,uM,2000,2000,2000,2000,2000"],
        ["run,metabolite,unit,0,1,2,3,4", "x,A,mM,1,2,3,4,5", "x,B,uM,2000,2000,2000,2000,2000"],
        ["time,A in mM,B in uM", *(f"{t},{1 + t},2000" for t in range(5))],
    ],
)
def test_units_of_single_rows_are_read(tmp_path: Path, lines: Sequence[str]) -> None:
    found = read(tmp_path, *lines)
    assert set(found.metabolites) == {"A", "B"}
    np.testing.assert_allclose(column(found, "A"), [1, 2, 3, 4, 5])
    np.testing.assert_allclose(column(found, "B"), 2)


def test_one_metabolite_in_two_units_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"'A \[mM\]' and 'A \[uM\]' both hold 'A', .*convert them to one unit"):
        read(tmp_path, "time,metabolite,value,unit", *LONG, "5,A,6000,uM")


def test_a_unit_in_the_heading_of_values_is_that_of_all(tmp_path: Path) -> None:
    found = read(tmp_path, "time [min],metabolite,concentration [mM]", *(",".join(row.split(",")[:3]) for row in LONG))
    assert set(found.metabolites) == {"A", "B"}


def test_times_in_the_first_row_have_one_unit_which_derivatives_need(tmp_path: Path) -> None:
    lines = ["name,unit,0 min,1 min,2 min,3 min,4 min", "A,mM,9,8,7,6,5", f"dA/dt,mM/s{f',{-1 / 60}' * 5}"]
    np.testing.assert_allclose(read(tmp_path, *lines).courses[0].dcdt[:, 0], -1)
    with pytest.raises(DatasetError, match="times in the first row are in several units: min, s; give all in one"):
        read(tmp_path, lines[0].replace("1 min", "60 s"), *lines[1:])

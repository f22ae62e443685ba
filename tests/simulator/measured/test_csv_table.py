"""Valid tables of measurements, and the error messages for invalid ones."""

from pathlib import Path

import numpy as np
import pytest

from simulator.measured.csv_table import read_table
from stoichloop.errors import DatasetError

HEADER = "trajectory,time,A,B"
ROWS = [f"{name},{time},{1 + time},{2 - time / 8}" for name in ("x", "y") for time in range(5)]


def table(path: Path, header: str = HEADER, rows: list[str] | None = None) -> Path:
    path.write_text("\n".join([header, *(ROWS if rows is None else rows)]) + "\n", encoding="utf-8")
    return path


def test_a_row_is_a_sample_and_a_column_a_metabolite(tmp_path: Path) -> None:
    found = read_table(table(tmp_path / "m.csv"))
    assert found.metabolites == ("A", "B")
    assert [course.name for course in found.courses] == ["x", "y"]
    np.testing.assert_array_equal(found.courses[1].time, np.arange(5))
    np.testing.assert_array_equal(found.courses[1].concentration[:, 1], 2 - np.arange(5) / 8)


def test_what_a_spreadsheet_adds_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(("\ufeff" + "\r\n".join(["A , time", *(f'"{1 + t}", {t}' for t in range(5)), ",", ""])).encode())
    found = read_table(path)
    assert found.metabolites == ("A",)
    np.testing.assert_array_equal(found.courses[0].concentration[:, 0], 1 + np.arange(5))


def changed(place: int, text: str) -> list[str]:
    return [*ROWS[:place], text, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("trajectory,t,A,B", ROWS, r"has no column 'time'; give the column of times this name$"),
        ("trajectory;time;A;B", ROWS, r"separate the columns by commas"),
        ("trajectory,time,A,A", ROWS, r"column 'A' must have a name of its own"),
        ("trajectory,time,A,", ROWS, r"column '\(no name\)' must have a name of its own"),
        ("time", ["1", "2"], r"has no column of a metabolite"),
        (HEADER, [], r"holds no sample, only a header"),
        (HEADER, changed(2, "x,2,n.d.,1"), r"row 4, column 'A': 'n\.d\.' is no number; give one like 0\.25"),
        (HEADER, changed(2, "x,2,,1"), r"row 4, column 'A': is empty"),
        (HEADER, changed(2, "x,2,nan,1"), r"row 4, column 'A': 'nan' is no number"),
        (HEADER, changed(2, "x,2,0,1"), r"row 4, column 'A': 0 is no positive concentration"),
        (HEADER, changed(2, "x,2,1,-0.5"), r"row 4, column 'B': -0\.5 is no positive concentration"),
        (HEADER, changed(2, "x,2,1"), r"row 4 has 3 fields, but the header has 4"),
        (HEADER, changed(2, ",2,1,1"), r"row 4, column 'trajectory': is empty"),
        (HEADER, changed(2, "x,1,1,1"), r"row 4, column 'time': 1 comes after 1 of trajectory 'x'; sort the rows"),
        (HEADER, changed(7, "y,0.5,1,1"), r"row 9, column 'time': 0\.5 comes after 1 of trajectory 'y'"),
        (HEADER, ROWS[:-1], r"trajectory 'y' has 4 samples, but others have 5; give all trajectories equally many"),
        (HEADER, ROWS[:4], r"a trajectory has 4 samples; at least 5 are needed"),
        (HEADER, changed(2, "x,2,3e9,1"), r"the largest concentration is 3e\+09, not between .*; choose another unit"),
        (HEADER, [f"x,{time},1,2" for time in range(5)], r"no concentration ever changes"),
        (HEADER, changed(2, 'x,2,"1,1'), r"cannot be read as CSV|has \d fields"),
    ],
)
def test_what_will_not_do_is_said_by_row_and_column(tmp_path: Path, header: str, rows: list[str], words: str) -> None:
    with pytest.raises(DatasetError, match=words) as refusal:
        read_table(table(tmp_path / "m.csv", header, rows))
    assert str(refusal.value).startswith(f"--csv {tmp_path / 'm.csv'}: ")
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "m.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(DatasetError, match="save it as CSV in UTF-8"):
        read_table(tmp_path / "m.csv")

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


ALONE = [f"{time},{1 + time},{2 - time / 32}" for time in range(27)]


@pytest.mark.parametrize(
    ("header", "rows", "words", "mended"),
    [
        ("trajectory,hour,A,B", ROWS, r"has no column 'time'; give the column of times this name$", (HEADER, ROWS)),
        (
            "trajectory,time,A,A",
            ROWS,
            r"columns 'A' and 'A' both hold 'A', but each must have a name of its own",
            (HEADER, ROWS),
        ),
        ("trajectory,time,A,", ROWS, r"has a column without a name; name it or delete it", (HEADER, ROWS)),
        (",A,B", ALONE, r"no column 'time' \(the first column has no name\)", ("time,A,B", ALONE)),
        ("time", ["1", "2"], r"has no column of a metabolite", None),
        (HEADER, [], r"holds no sample, only a header", None),
        (HEADER, changed(2, "x,,1,1"), r"row 4, column 'time': is empty; give one like 0\.25$", (HEADER, ROWS)),
        (HEADER, changed(2, "x,2,1"), r"row 4 has 3 fields, but the header has 4", (HEADER, ROWS)),
        (HEADER, changed(2, ",2,1,1"), r"row 4, column 'trajectory': is empty", (HEADER, ROWS)),
        (HEADER, ROWS[:4], r"the longest trajectory has 4 samples; at least 5 are needed", (HEADER, ROWS)),
        (
            "Time [min],t,A,B",
            ROWS,
            r"columns 'Time \[min\]' and 't' can both be the column 'time'; keep one",
            (HEADER, ROWS),
        ),
        (
            "strain,time,A,B",
            ROWS,
            r"column 'strain': 'x' in row 2, .* and 7 more is no number; .*call the column 'trajectory'",
            (HEADER, ROWS),
        ),
        (HEADER, [f"x,{time},1,2" for time in range(5)], r"no concentration ever changes", None),
        (
            HEADER,
            changed(2, 'x,2,"1,1'),
            r"row 4 cannot be read as CSV: it opens a quotation mark that is not closed; delete",
            (HEADER, changed(2, "x,2,1,1")),
        ),
        (
            HEADER,
            changed(2, 'x,2,"1"0,1'),
            r"row 4 cannot be read as CSV: it .*; delete the quotation marks",
            (HEADER, changed(2, "x,2,10,1")),
        ),
        (
            HEADER,
            changed(5, "\ufeffy,0,1,2"),
            r"row 7, field 1: '\\ufeffy' holds the invisible character U\+FEFF; delete it",
            (HEADER, ROWS),
        ),
        (HEADER, changed(5, "y,0,1\u200b,2"), r"row 7, field 3: .* U\+200B; delete it", (HEADER, ROWS)),
        (
            "time A B",
            [r.replace(",", " ") for r in ALONE],
            r"separate the columns by commas, semicolons or tabs",
            ("time,A,B", ALONE),
        ),
        (HEADER, changed(2, "x,2,4_1,1"), r"column 'A': '4_1' in row 4 is no number", (HEADER, changed(2, "x,2,41,1"))),
        (
            HEADER,
            changed(2, "x,2,１２,1"),
            r"column 'A': '１２' in row 4 is no number",
            (HEADER, changed(2, "x,2,12,1")),
        ),
        (HEADER, changed(2, "x,٤,4,1"), r"row 4, column 'time': '٤' is no number", (HEADER, changed(2, "x,2,4,1"))),
        (
            HEADER,
            changed(2, "x,2,\u22124,1"),
            r"column 'A': '.4' in row 4 is no number",
            (HEADER, changed(2, "x,2,4,1")),
        ),
        (
            HEADER,
            changed(2, "x,2,1e999,1"),
            r"column 'A': '1e999' in row 4 is no number",
            (HEADER, changed(2, "x,2,1e3,1")),
        ),
        (
            HEADER,
            changed(2, "x,2,0x1F,1"),
            r"column 'A': '0x1F' in row 4 is no number",
            (HEADER, changed(2, "x,2,31,1")),
        ),
        (
            HEADER,
            changed(2, 'x,2,"0,25",1'),
            r"row 4 has '0,25' and row 2 '2\.0'; write all numbers with decimal points",
            (HEADER, changed(2, "x,2,0.25,1")),
        ),
        (
            "time;A",
            [f"{t};1,{100 + t}" for t in range(25)],
            r"row 2: '1,100' can be 1\.100 or 1100; write decimal points",
            ("time;A", [f"{t};1.{100 + t}" for t in range(25)]),
        ),
        (
            "time,A,B",
            [f"{t},{1 + t},5,{2 - t / 32}" for t in range(25)],
            r"row 2, 3, 4 and 22 more has 4 fields, but the header has 3; .*decimal points where commas",
            ("time,A,B", ALONE),
        ),
    ],
)
def test_what_will_not_do_is_said_with_a_mend_that_works(
    tmp_path: Path, header: str, rows: list[str], words: str, mended: tuple[str, list[str]] | None
) -> None:
    with pytest.raises(DatasetError, match=words) as refusal:
        read_table(table(tmp_path / "m.csv", header, rows))
    assert str(refusal.value).startswith(f"--csv {tmp_path / 'm.csv'}: ")
    assert "\n" not in str(refusal.value)
    if mended is not None:
        assert read_table(table(tmp_path / "m.csv", *mended)).courses


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file"):
        read_table(tmp_path / "none.csv")
    for content in (b"PK\x03\x04\xff\xfe", b"\xff\xfea", "time,A".encode("utf-16-le")):
        (tmp_path / "m.csv").write_bytes(content)
        with pytest.raises(DatasetError, match="save it as CSV in UTF-8"):
            read_table(tmp_path / "m.csv")


COMMA = [row.replace(",", ";").replace(".", ",") for row in ALONE]


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ("time;A;B\n" + "\n".join(COMMA), ("decimal commas",)),
        ("sep=;\ntime;A;B\n" + "\n".join(COMMA), ("decimal commas",)),
        ("time\tA\tB\n" + "\n".join(COMMA).replace(";", "\t"), ("decimal commas",)),
        ("time;A;B\n" + "\n".join(ALONE).replace(",", ";"), ()),
        ("time,A,B\n" + "\n".join(",".join(f'"{f}"' for f in r.split(";")) for r in COMMA), ("decimal commas",)),
        ("Time [min],A,B\n" + "\n".join(ALONE), ("time in column 'Time [min]'",)),
        ("TIME,A,B\n" + "\n".join(ALONE), ("time in column 'TIME'",)),
        ("t,A,B\n" + "\n".join(ALONE), ("time in column 't'",)),
        ("time_s,A,B\n" + "\n".join(ALONE), ("time in column 'time_s'",)),
        ("t/h,A,B\n" + "\n".join(ALONE), ("time in column 't/h'",)),
        (",time,A,B\n" + "\n".join(f"{n},{r}" for n, r in enumerate(ALONE)), ("without 1 nameless column",)),
        ("Unnamed: 0,time,A,B\n" + "\n".join(f"{n},{r}" for n, r in enumerate(ALONE)), ("without 1 nameless column",)),
        (
            '"","time","A","B"\n' + "\n".join(f'"{n}",{r}' for n, r in enumerate(ALONE, 1)),
            ("without 1 nameless column",),
        ),
        ("time,A,B,,\n" + "\n".join(f"{r},," for r in ALONE), ("without 2 nameless columns",)),
        ("time,A,B\r" + "\r".join(ALONE), ()),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_and_data_frames_write_is_read(
    tmp_path: Path, text: str, remarks: tuple[str, ...], encoding: str
) -> None:
    expected = read_table(table(tmp_path / "plain.csv", "time,A,B", ALONE))
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    found = read_table(tmp_path / "m.csv")
    assert found.metabolites == expected.metabolites
    assert found.remarks == remarks
    for name in ("time", "concentration"):
        np.testing.assert_array_equal(getattr(found.courses[0], name), getattr(expected.courses[0], name))


@pytest.mark.parametrize("name", ["run", "Run", "Trajectory", "id", "run_id", "Condition"])
def test_trajectories_go_by_the_names_that_people_give_them(tmp_path: Path, name: str) -> None:
    found = read_table(table(tmp_path / "m.csv", HEADER.replace("trajectory", name)))
    assert [course.name for course in found.courses] == ["x", "y"]
    assert found.remarks == (f"trajectory in column '{name}'",)


def test_the_documented_names_come_before_others(tmp_path: Path) -> None:
    found = read_table(table(tmp_path / "m.csv", "trajectory,time,t,run"))
    assert found.metabolites == ("t", "run")
    assert read_table(table(tmp_path / "m.csv", "time,T,A", ALONE)).metabolites == ("T", "A")

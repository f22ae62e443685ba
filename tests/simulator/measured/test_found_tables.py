"""Tables as people and programs write them: what is read, and the remark that says what was done."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simulator.measured.csv_table import Table, read_table
from stoichloop.errors import DatasetError

NAN = float("nan")


def read(tmp_path: Path, *lines: str) -> Table:
    path = tmp_path / "m.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_table(path)


def column(table: Table, name: str, course: int = 0) -> list[float]:
    place = table.metabolites.index(name)
    return [float(value) for value in table.courses[course].concentration[:, place]]


def assert_remark(table: Table, words: str) -> None:
    assert any(words in remark for remark in table.remarks), table.remarks


PLAIN = ("time,A,B", "0,1,9", "1,2,8", "2,4,7", "3,5,6", "4,6,5")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((",0,1,2,3,4", "A,1,2,4,5,6", "B,9,8,7,6,5"), "metabolites stand in rows, the times in the first row"),
        (("time,0,1,2,3,4", "A,1,2,4,5,6", "B,9,8,7,6,5"), "metabolites stand in rows"),
        (("run,metabolite,0,1,2,3,4", "x,A,1,2,4,5,6", "x,B,9,8,7,6,5"), "metabolites stand in rows"),
        (("unit,0,1,2,3,4", "A,1,2,4,5,6", "B,9,8,7,6,5"), "metabolites stand in rows"),
        (("name,note,0 min,1 min,2 min,3 min,4 min", "A,x,1,2,4,5,6", "B,,9,8,7,6,5"), "not read: 'note'"),
        (
            ("metabolite,s1,s2,s3,s4,s5", "time,0,1,2,3,4", "A,1,2,4,5,6", "B,9,8,7,6,5"),
            "rows and columns were exch",
        ),
        (("trajectory,time,A,B", "x,2,4,7", "x,0,1,9", "x,1,2,8", "x,3,5,6", "x,4,6,5"), "were sorted by time"),
        (
            ("time,A,B", "0,0.5,9", "0,1.5,9", *PLAIN[2:]),
            "1 row at a time that the trajectory has already",
        ),
        (("# made by hand", *PLAIN), "1 line of comments not read"),
        ((*PLAIN[:3], PLAIN[0], *PLAIN[3:]), "row 4 not read: the header again"),
        (("time,A,B", "min,mM,mM", *PLAIN[1:]), "row 2 was read as units"),
        (("time,A [mM],B [uM]", "0,1,9000", "1,2,8000", "2,4,7000", "3,5,6000", "4,6,5000"), "were brought to mM"),
        (
            (
                "time,metabolite,value",
                *(f"{t},{m},{v}" for m, row in {"A": "12456", "B": "98765"}.items() for t, v in enumerate(row)),
            ),
            "each reading has a row, with its name in column 'metabolite'",
        ),
        (
            (
                "observableId\tsimulationConditionId\tmeasurement\ttime\tdatasetId",
                *(
                    f"{m}\tc\t{v}\t{t}\tset_{m}"
                    for m, row in {"A": "12456", "B": "98765"}.items()
                    for t, v in enumerate(row)
                ),
            ),
            "trajectories are named by 'simulationConditionId'",
        ),
    ],
)
def test_the_same_readings_are_found_in_every_layout(tmp_path: Path, lines: Sequence[str], words: str) -> None:
    found = read(tmp_path, *lines)
    assert_remark(found, words)
    assert set(found.metabolites) == {"A", "B"}
    np.testing.assert_allclose(found.courses[0].time, range(5))
    np.testing.assert_allclose(column(found, "A"), [1, 2, 4, 5, 6])
    np.testing.assert_allclose(column(found, "B"), [9, 8, 7, 6, 5])


@pytest.mark.parametrize("gap", ["", "NA", "n.d.", "nan", "-", "#N/A"])
def test_a_gap_stays_a_gap(tmp_path: Path, gap: str) -> None:
    found = read(tmp_path, "time,A,B", "0,1,9", f"1,{gap},8", *PLAIN[3:])
    np.testing.assert_array_equal(column(found, "A"), [1, NAN, 4, 5, 6])
    assert_remark(found, "1 gap marked as not measured")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("<0.5", 0.25, "1 reading below detection marked"),
        ("< LOD", 0.5, "1 reading below detection marked"),
        ("0", 0.5, "1 zero or small negative reading taken as below"),
        ("-1.2e-23", 0.5, "1 zero or small negative reading"),
    ],
)
def test_nothing_detected_is_half_the_limit_and_is_marked(tmp_path: Path, field: str, value: float, words: str) -> None:
    found = read(tmp_path, "time,A,B", "0,1,9", f"1,{field},8", *PLAIN[3:])
    np.testing.assert_allclose(column(found, "A"), [1, value, 4, 5, 6])
    np.testing.assert_array_equal(found.courses[0].below[:, 0], [False, True, False, False, False])
    assert_remark(found, words)


def test_logarithms_are_no_concentrations(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"column 'A': -3 is no concentration; .* undo a logarithm"):
        read(tmp_path, "time,A,B", "0,1,9", "1,-3,8", *PLAIN[3:])


def test_trajectories_may_have_any_lengths_and_times(tmp_path: Path) -> None:
    rows = [f"x,{t},{1 + t},2" for t in (0, 1, 5, 7, 20)] + [f"y,{t},{2 + t},2" for t in (0, 3)]
    rows += ["z,0,1,1", "w,0,,", "w,1,,"]
    found = read(tmp_path, "Run,time,A,B", *rows)
    assert [(course.name, len(course.time)) for course in found.courses] == [("x", 5), ("y", 2)]
    assert_remark(found, "trajectory 'z' has a single sample and was left out")
    assert_remark(found, "trajectory 'w' has no reading and was left out")


def test_a_time_that_goes_back_begins_another_trajectory(tmp_path: Path) -> None:
    found = read(tmp_path, *PLAIN, *(f"{t},{9 - t},{t}" for t in range(1, 4)))
    assert [(course.name, len(course.time)) for course in found.courses] == [("1", 5), ("2", 3)]
    assert_remark(found, "the time goes back 1 time: 2 trajectories")


def test_condition_and_replicate_name_a_trajectory_together(tmp_path: Path) -> None:
    rows = [f"{n},wt,{r},{t},{r + t},2" for n, (r, t) in enumerate((r, t) for r in (1, 2) for t in range(5))]
    found = read(tmp_path, "id,condition,replicate,time,A,B", *rows)
    assert [course.name for course in found.courses] == ["wt/1", "wt/2"]
    assert_remark(found, "column 'id' numbers the rows and was not read")


def test_replicates_give_the_noise(tmp_path: Path) -> None:
    rows = [f"{t},{(1 + t) * factor},2" for t in range(5) for factor in (0.9, 1.1)]
    assert read(tmp_path, "time,A,B", *rows).spread[0] == pytest.approx(0.1 * np.sqrt(2))


def test_measured_derivatives_are_read_beside_the_readings(tmp_path: Path) -> None:
    found = read(tmp_path, "time,A [mM],dA/dt,B [mM],d[B]/dt", *(f"{t},{1 + t},1,{9 - t},-1" for t in range(5)))
    assert found.metabolites == ("A", "B")
    np.testing.assert_array_equal(found.courses[0].dcdt, [[1, -1]] * 5)


def test_sizes_are_brought_to_what_numerics_like(tmp_path: Path) -> None:
    found = read(tmp_path, "time,A,B", *(f"{t},{(1 + t) * 1e9},5" for t in range(5)))
    assert_remark(found, "concentrations are in 1e+10 of the unit of the file")
    assert column(found, "A")[0] == pytest.approx(0.1)


def test_a_last_sample_that_is_a_copy_of_the_first_is_named(tmp_path: Path) -> None:
    rows = [f"{t},{v},{w},3" for t, (v, w) in enumerate([(1, 2), (2, 3), (3, 4), (2, 3), (1, 2)])]
    assert_remark(read(tmp_path, "time,A,B,C", *rows), "the last sample equals the first in every digit")


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refusal:
        read(tmp_path, "trajectory,time,A,B", "x,0,1,much", "x,soon,2,2", ",2,a lot,3", "x,3,3,3")
    message = str(refusal.value)
    for words in (
        "4 faults",
        "row 4, column 'trajectory'",
        "row 3, column 'time': 'soon'",
        "'much' in row 2",
        "'a lot'",
    ):
        assert words in message


def test_faults_of_one_kind_hide_none_of_another(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refusal:
        read(tmp_path, "time,A,A,B", "0,1,1", "1,much,2,2", "soon,2,2,-9", ",3,3,3", "4,2,1,1", "5,2,1,1")
    message = str(refusal.value)
    for words in (
        "6 faults",
        "row 2 has 3 fields, but the header has 4",
        "columns 'A' and 'A' both hold 'A'",
        "row 4, column 'time': 'soon'",
        "row 5, column 'time': is empty",
        "'much' in row 3",
        "column 'B': -9 is no concentration",
    ):
        assert words in message


def test_rows_that_are_all_too_long_are_one_fault(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"m\.csv: row 2, 3, 4 and 2 more has 6 fields, but the header has 3;"):
        read(tmp_path, "time,A,B", *(f"{t},0,{1 + t},5,2,5" for t in range(5)))


def test_times_of_a_clock_are_one_fault_with_its_mend(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refusal:
        read(tmp_path, "time,A,B", *(f"00:{t:02d}:00,{t},2" for t in range(25)))
    assert str(refusal.value).endswith(
        "rows 2, 3, 4 and 22 more, column 'time': '00:00:00' is no time since the start; give seconds, like 90"
    )

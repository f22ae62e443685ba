"""A PEtab problem as measurements: its table and its model."""

from pathlib import Path

import numpy as np
import pytest

from simulator.measured.measurements import import_measurements
from stoichloop.errors import DatasetError
from tests.simulator.sbml_files import write_level_3

pytest.importorskip("petab")

PROBLEM = """
format_version: 1
parameter_file: parameters.tsv
problems:
- condition_files: [conditions.tsv]
  measurement_files: [measurements.tsv]
  observable_files: [observables.tsv]
  sbml_files: [model.xml]
"""
TABLES = {
    "parameters.tsv": ["parameterId parameterScale lowerBound upperBound nominalValue estimate", "two lin 0 9 2 0"],
    "conditions.tsv": ["conditionId", "c1", "c2"],
    "observables.tsv": [
        "observableId observableFormula noiseFormula",
        "oa A 1",
        "ob two*B 1",
        "sum A+B 1",
    ],
    "measurements.tsv": [
        "observableId simulationConditionId measurement time",
        *(f"oa {c} {5 - t} {t}" for c in ("c1", "c2") for t in range(5)),
        *(f"ob {c} {2 + 2 * t} {t}" for c in ("c1", "c2") for t in range(5)),
        "sum c1 6 0",
    ],
}


def problem(folder: Path, substrates: tuple[str, ...] = ("A",), **changed: list[str]) -> Path:
    model = write_level_3(folder / "model.xml", {"r1": (dict.fromkeys(substrates, 1), {"B": 1})}, boundary=("X",))
    law = '<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><ci> k1 </ci></math></kineticLaw></reaction>'
    model.write_text(model.read_text().replace("</reaction>", law))
    for name, lines in (TABLES | {f"{name}.tsv": lines for name, lines in changed.items()}).items():
        (folder / name).write_text("\n".join(lines).replace(" ", "\t") + "\n")
    path = folder / "decay.yaml"
    path.write_text(PROBLEM)
    return path


def test_a_problem_brings_its_table_and_its_network(tmp_path: Path) -> None:
    data, _ = import_measurements(problem(tmp_path), None, tmp_path / "data")
    assert (data.regime.name, data.facts.metabolite_names, data.facts.reaction_names) == ("decay", ("A", "B"), ("r1",))
    np.testing.assert_allclose(data.observed[0].concentration, [[5 - t, 1 + t] for t in range(5)])
    assert (data.facts.trajectories, data.facts.heldout_trajectories) == (1, 1)
    assert any("other than a species times a known number: sum = A+B" in remark for remark in data.facts.table)


def test_a_broken_problem_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = problem(tmp_path)
    (tmp_path / "measurements.tsv").unlink()
    with pytest.raises(DatasetError, match="cannot be read as a PEtab problem"):
        import_measurements(path, None, tmp_path / "data")


def test_a_boundary_species_that_conditions_set_is_an_input(tmp_path: Path) -> None:
    path = problem(tmp_path, ("A", "X"), conditions=["conditionId X A", "c1 1 5", "c2 two 5"])
    data, _ = import_measurements(path, None, tmp_path / "data")
    assert (data.facts.metabolite_names, data.facts.inputs) == (("A", "B"), ("X",))
    assert "inputs that conditions set: X" in data.facts.table
    with np.load(data.observations_path) as arrays:
        np.testing.assert_array_equal(arrays["inputs"], [[[1.0]] * 5])


def test_conditions_that_change_a_rate_are_refused(tmp_path: Path) -> None:
    path = problem(tmp_path, conditions=["conditionId k1 k2", "c1 3 1", "c2 5 2"])
    with pytest.raises(DatasetError, match=r"decay\.yaml: column 'k1' of the conditions is 3 in 'c1', 5 in 'c2', and"):
        import_measurements(path, None, tmp_path / "data")
    mended = [line for line in TABLES["measurements.tsv"] if " c2 " not in line]
    (tmp_path / "measurements.tsv").write_text("\n".join(mended).replace(" ", "\t") + "\n")
    assert import_measurements(path, None, tmp_path / "data")[0].facts.trajectories == 1


def test_steady_states_are_left_out_and_counted(tmp_path: Path) -> None:
    path = problem(tmp_path, measurements=[*TABLES["measurements.tsv"], "oa c1 0.1 inf"])
    data, _ = import_measurements(path, None, tmp_path / "data")
    assert "1 reading at the time inf, which is no sample of a course, left out" in data.facts.table
    assert data.facts.frames == 5


def test_several_problems_in_one_file_are_refused(tmp_path: Path) -> None:
    path = problem(tmp_path)
    path.write_text(PROBLEM + PROBLEM.partition("problems:\n")[2])
    with pytest.raises(DatasetError, match="key 'problems' holds 2 problems; give each a file of its own"):
        import_measurements(path, None, tmp_path / "data")

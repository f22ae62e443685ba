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


def problem(folder: Path) -> Path:
    write_level_3(folder / "model.xml", {"r1": ({"A": 1}, {"B": 1})})
    for name, lines in TABLES.items():
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

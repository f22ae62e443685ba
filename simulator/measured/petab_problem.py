"""Reader of a PEtab problem: its measurements as a table, and its SBML model as the network.

Each observable that is a species, or a species times a known number, is a column; the others are left out and named. A
simulation condition is a trajectory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.measured.csv_layout import long_form
from simulator.measured.csv_rows import CsvRows, Row
from simulator.measured.problem_list import shortened
from simulator.yaml_file import read_mapping
from stoichloop.errors import DatasetError
from stoichloop.extras import how_to_install


@dataclass(frozen=True)
class PetabProblem:
    """The table of a problem, with a row for each sample, and the path of its model."""

    table: CsvRows
    model: Path


def is_petab(path: Path) -> bool:
    """Return whether a file in place of a table is a PEtab problem."""
    return path.suffix.lower() in (".yaml", ".yml")


def read_problem(path: Path) -> PetabProblem:
    """Read a problem file, with petab; raises `DatasetError`."""
    try:
        from petab import v1 as petab
    except ImportError as error:
        raise DatasetError(f"--csv {path}: petab, which reads PEtab, is missing; {how_to_install('petab')}") from error
    try:
        problem = petab.Problem.from_yaml(path)
        model = _model_of(path)
    except Exception as error:  # petab and pandas raise what they like for an invalid file
        raise DatasetError(
            f"--csv {path}: cannot be read as a PEtab problem ({' '.join(str(error).split())}); petablint names faults"
        ) from error
    if problem.measurement_df is None or problem.observable_df is None:
        raise DatasetError(f"--csv {path}: has no measurements or no observables; give both")
    species = {one.getId() for one in problem.model.sbml_model.getListOfSpecies()}
    fixed = _fixed_parameters(problem)
    factors: dict[str, tuple[str, float]] = {}
    left_out = []
    for observable, row in problem.observable_df.iterrows():
        found = _species_of(row["observableFormula"], species, fixed)
        if found is None:
            left_out.append(f"{observable} = {row['observableFormula']}")
        else:
            factors[str(observable)] = found
    remark = f"observables other than a species times a known number: {shortened(left_out)}"
    columns = ("preequilibrationConditionId", "simulationConditionId", "replicateId")
    named = [column for column in columns if column in problem.measurement_df]
    rows = []
    for number, (_, row) in enumerate(problem.measurement_df.iterrows(), 2):
        if row["observableId"] in factors:
            name, factor = factors[row["observableId"]]
            runs = [str(row[column]) for column in named if row[column] == row[column]]  # NaN is no name
            reading = repr(float(row["measurement"]) / factor)
            rows.append(Row(number, ("/".join(runs), repr(float(row["time"])), name, reading)))
    return PetabProblem(long_form(rows, (remark,) if left_out else ()), model)


def _model_of(path: Path) -> Path:
    problems: Any = read_mapping(path, str(path))["problems"]
    return path.parent / str(problems[0]["sbml_files"][0])


def _fixed_parameters(problem: Any) -> dict[str, float]:
    """Return the parameters with a known value."""
    table = problem.parameter_df
    if table is None:
        return {}
    return {str(name): float(row["nominalValue"]) for name, row in table.iterrows() if not row["estimate"]}


def _species_of(formula: Any, species: set[str], fixed: dict[str, float]) -> tuple[str, float] | None:
    """Return the species that an observable shows, and the number by which it is multiplied."""
    from petab.v1.math import sympify_petab

    expression = sympify_petab(formula)
    expression = expression.subs(
        {symbol: fixed[symbol.name] for symbol in expression.free_symbols if symbol.name in fixed}
    )
    symbols = list(expression.free_symbols)
    if len(symbols) != 1 or symbols[0].name not in species:
        return None
    factor = expression / symbols[0]
    return (symbols[0].name, float(factor)) if factor.is_number and factor > 0 else None

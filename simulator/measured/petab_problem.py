"""Reader of a PEtab problem: its measurements as a table, and its SBML model as the network.

Each observable that is a species, or a species times a known number, is a column; the others are left out and named. A
simulation condition is a trajectory. Boundary species that differ between conditions are columns too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.measured.csv_layout import long_form
from simulator.measured.csv_rows import CsvRows, Row
from simulator.measured.problem_list import listed_problems, several, shortened
from simulator.model_symbols import ModelSymbols
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
        model = _model_of(path)
        problem = petab.Problem.from_yaml(path)
    except Exception as error:  # petab and pandas raise what they like for an invalid file
        raise DatasetError(
            f"--csv {path}: cannot be read as a PEtab problem ({' '.join(str(error).split())}); petablint names faults"
        ) from error
    if problem.measurement_df is None or problem.observable_df is None:
        raise DatasetError(f"--csv {path}: has no measurements or no observables; give both")
    return PetabProblem(_table_of(path, problem), model)


def _model_of(path: Path) -> Path:
    problems: Any = read_mapping(path, str(path))["problems"]
    if len(problems) > 1:
        raise ValueError(f"key 'problems' holds {len(problems)} problems; give each a file of its own")
    return path.parent / str(problems[0]["sbml_files"][0])


def _table_of(path: Path, problem: Any) -> CsvRows:
    """Return the readings of species, with the inputs that conditions set."""
    species = {one.getId() for one in problem.model.sbml_model.getListOfSpecies()}
    fixed = _fixed_parameters(problem)
    formulas = {str(name): row["observableFormula"] for name, row in problem.observable_df.iterrows()}
    shown = {name: _species_of(formula, species, fixed) for name, formula in formulas.items()}
    left_out = [f"{name} = {formulas[name]}" for name, found in shown.items() if found is None]
    columns = ("preequilibrationConditionId", "simulationConditionId", "replicateId")
    named = [column for column in columns if column in problem.measurement_df]
    rows: list[Row] = []
    endless = 0
    conditions: dict[tuple[str, str], tuple[int, str]] = {}
    for number, (_, row) in enumerate(problem.measurement_df.iterrows(), 2):
        if (found := shown.get(row["observableId"])) is None:
            continue
        if math.isinf(row["time"]):
            endless += 1
            continue
        run = "/".join(str(row[column]) for column in named if row[column] == row[column])  # NaN is no name
        time = repr(float(row["time"]))
        conditions.setdefault((run, time), (number, str(row["simulationConditionId"])))
        rows.append(Row(number, (run, time, found[0], repr(float(row["measurement"]) / found[1]))))
    read = {row.fields[2] for row in rows}
    used = {condition for _, condition in conditions.values()}
    inputs = {name: one for name, one in _inputs_of(path, problem, fixed, used).items() if name not in read}
    for name, values in inputs.items():
        rows += [
            Row(number, (run, time, name, repr(values[condition])))
            for (run, time), (number, condition) in conditions.items()
        ]
    remarks = {
        f"observables other than a species times a known number: {shortened(left_out)}": left_out,
        f"{several(endless, 'reading')} at the time inf, which is no sample of a course, left out": endless,
        f"inputs that conditions set: {shortened(list(inputs))}": inputs,
    }
    return long_form(rows, tuple(remark for remark, done in remarks.items() if done))


def _inputs_of(path: Path, problem: Any, fixed: dict[str, float], used: set[str]) -> dict[str, dict[str, float]]:
    """Return the boundary species that differ between conditions, by condition.

    Raises `DatasetError` for anything else that conditions change and rates depend on.
    """
    if problem.condition_df is None:
        return {}
    model = problem.model.sbml_model
    symbols = ModelSymbols(model)
    free = {one.getId() for one in model.getListOfSpecies() if model.getRule(one.getId()) is None}
    found: dict[str, dict[str, float]] = {}
    faults = []
    for column, cells in problem.condition_df.reindex(sorted(used)).items():
        if cells.astype(str).nunique() < 2 or column in symbols.metabolites:
            continue
        numbers = {str(condition): _number(cell, fixed) for condition, cell in cells.items()}
        if column in free and not any(map(math.isnan, numbers.values())):
            found[str(column)] = numbers
        elif column in symbols.in_rates:
            values = shortened([f"{cell} in '{condition}'" for condition, cell in cells.items()], 3)
            faults.append(
                f"column '{column}' of the conditions is {values}, and rates depend on it, so that no single rate law "
                "fits all; keep the measurements of conditions that agree in it"
            )
    if faults:
        raise DatasetError(listed_problems(f"--csv {path}", faults))
    return found


def _number(cell: Any, fixed: dict[str, float]) -> float:
    """Return the number in a cell, or that of the parameter it names; NaN where neither is known."""
    try:
        return float(cell)
    except ValueError:
        return fixed.get(str(cell), math.nan)


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

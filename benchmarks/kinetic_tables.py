"""Methods on tables of concentrations whose true integers are known: NAME.yaml, NAME.truth.json, NAME_*.csv.

The truth has the coefficient of each metabolite in each reaction; columns are compared as primitive ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import BaseModel, ConfigDict

from agent.analyzer.scoring.decode import reaction_edges
from agent.analyzer.scoring.score import support_score
from agent.analyzer.scoring.uninformed import baseline
from benchmarks.best_recipe import BestRecipe, RecipeAnswer
from benchmarks.mass_action import mass_action_columns
from benchmarks.sindy import NotApplicableError, sindy_integral_columns
from simulator.measured.measurements import Measurements, import_measurements
from simulator.network import Ints
from stoichloop.errors import StoichloopError


class TableResult(BaseModel):
    """The number of right coefficients by method, the support of its answer and of the truth, or why it was skipped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    edges: int = 0
    right: dict[str, int] = {}
    support: dict[str, float] = {}
    best_recipe: list[RecipeAnswer] = []
    skipped: str | None = None


def compared_tables(folder: Path, recipe: BestRecipe) -> Iterator[TableResult]:
    """Return the answers on each table in `folder` that has a network and a truth."""
    for truth in sorted(folder.glob("*.truth.json")):
        name = truth.name.removesuffix(".truth.json")
        for csv in sorted(folder.glob(f"{name}_*.csv")):
            with TemporaryDirectory() as root:
                try:
                    data, _ = import_measurements(csv, folder / f"{name}.yaml", Path(root))
                    yield _compared(csv.stem, data, json.loads(truth.read_text(encoding="utf-8")), recipe)
                except StoichloopError as error:
                    yield TableResult(table=csv.stem, skipped=str(error))


def _compared(name: str, data: Measurements, truth: dict[str, dict[str, int]], recipe: BestRecipe) -> TableResult:
    true = _primitive_truth(data, truth)
    constraints = replace(data.regime.constraints, primitive=True)
    answers = {"ones": baseline(data.graph), "mass_action": mass_action_columns(data, constraints)}
    with suppress(NotApplicableError):
        answers["sindy_integral"] = sindy_integral_columns(data, constraints)
    return TableResult(
        table=name,
        edges=len(true),
        right={method: int((found == true).sum()) for method, found in answers.items()},
        support={name: round(support_score(found, data), 3) for name, found in {"truth": true, **answers}.items()},
        best_recipe=recipe.answers(data, true),
    )


def _primitive_truth(data: Measurements, truth: dict[str, dict[str, int]]) -> Ints:
    """Return the true coefficients on the graph of the measurements, shape (E,)."""
    graph, regime = data.graph, data.regime
    names = zip(graph.rxn_all, graph.met_all, strict=True)
    true = np.array([truth[regime.reaction_names[r]][regime.metabolite_names[m]] for r, m in names])
    for edges in reaction_edges(graph):
        true[edges] //= np.gcd.reduce(true[edges])
    return true

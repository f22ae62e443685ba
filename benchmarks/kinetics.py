"""Baselines on regimes in which each reaction has a rate law of its own: `python -m benchmarks kinetics`.

`ones`             1 everywhere with the signs of the graph
`mass_action`      integer search under mass action
`sindy_integral`   pysindy on mass-action terms in integral form, with the signs of the graph, decoded
`oracle`           NOT A METHOD: least squares of dc/dt on the true rates, rounded
`oracle_integral`  NOT A METHOD: the same of c(t) - c(s) on the integrals of the true rates, without any derivative
`best_recipe`      `--recipe best`, once with each of `--seeds`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from agent.analyzer.scoring.score import Scores
from agent.executor.workspace import find_workspace
from benchmarks.answers import ones, oracle, oracle_integral
from benchmarks.best_recipe import BestRecipe, RecipeAnswer, best_recipe
from benchmarks.kinetic_tables import compared_tables
from benchmarks.mass_action import mass_action
from benchmarks.measure import dataset_of
from benchmarks.sindy import NotApplicableError, sindy_integral
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError

TINY = ("mm_tiny", "rev_tiny", "regulated_tiny", "exchange_tiny", "mixed_tiny")
_METHODS: Sequence[Callable[[Dataset], Scores]] = (ones, mass_action, sindy_integral, oracle, oracle_integral)


class KineticsResult(BaseModel):
    """The answer of a method: coefficients right of all, and of those that the data determine given all rates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    right: int
    right_identifiable: int
    seconds: float


class KineticsRegime(BaseModel):
    """One regime: its number of coefficients, of those that are determined, and the answers by method.

    `skipped` says why a method has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    regime: str
    edges: int
    identifiable: int
    identifiable_given_participants: int
    methods: dict[str, KineticsResult]
    skipped: dict[str, str]
    best_recipe: list[RecipeAnswer]


def kinetics(
    regimes: Annotated[
        list[str] | None, typer.Argument(metavar="[REGIME]...", help=f"Default: {', '.join(TINY)}.")
    ] = None,
    sbml: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Add a model by its own rate laws; may be repeated.")
    ] = None,
    tables: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Add its tables: NAME.yaml, NAME.truth.json, NAME_*.csv.")
    ] = None,
    noise: Annotated[float, typer.Option(min=0.0, max=1.0, help="Noise of these models, as a share of a reading.")] = 0,
    seeds: Annotated[int, typer.Option(min=0, help="Trainings with the best recipe, with seeds from 0.")] = 1,
) -> None:
    """Measure methods where each reaction has a rate law of its own; print them as JSON lines."""
    workspace = find_workspace(Path.cwd())
    with best_recipe(workspace, seeds) as recipe:
        for name in regimes or (() if sbml or tables else TINY):
            dataset = dataset_of(workspace, name)
            if not dataset.regime.constraints.primitive:
                wrong = f"regime '{name}' has no law for each reaction"
                raise StoichloopError(f"{wrong}; measure it by 'recovery --baselines'")
            print(compared(dataset, recipe).model_dump_json(), flush=True)
        for path in sbml or ():
            from simulator.published.import_published import Request, import_published

            dataset, _ = import_published(path, Request(noise=noise), workspace.data / f"noise{noise:g}")
            print(compared(dataset, recipe).model_dump_json(), flush=True)
        if tables is not None:
            for result in compared_tables(tables, recipe):
                print(result.model_dump_json(), flush=True)


def compared(dataset: Dataset, recipe: BestRecipe) -> KineticsRegime:
    """Return the answers of all methods on one regime."""
    edges, known = len(dataset.truth.sto_all), int(dataset.identifiability.edges.sum())
    methods, skipped = {}, {}
    for method in _METHODS:
        start = time.monotonic()
        try:
            scores = method(dataset)
        except NotApplicableError as error:
            skipped[method.__name__] = str(error)
            continue
        methods[method.__name__] = KineticsResult(
            right=round(scores["exact"] * edges),
            right_identifiable=round(scores["exact_identifiable"] * known),
            seconds=round(time.monotonic() - start, 2),
        )
    return KineticsRegime(
        regime=dataset.regime.name,
        edges=edges,
        identifiable=known,
        identifiable_given_participants=dataset.facts.identifiable_edges_given_form,
        methods=methods,
        skipped=skipped,
        best_recipe=recipe.answers(dataset, dataset.truth.sto_all),
    )

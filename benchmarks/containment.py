"""The cost of the sandbox: `python -m benchmarks containment`.

The same trial, the regime's best recipe at its full length, is run within the sandbox and without it, in turns, one at
a time. Both must leave the same estimate, to the last bit. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from agent.base.interruption import Interruption
from agent.executor.artifacts import ESTIMATE
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.trial import Job
from agent.executor.workspace import find_workspace, head_commit
from agent.training.recipe import BEST, find_recipe, start_from
from agent.training.run import run_alone
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from benchmarks.summary import Summary, summarise


class ContainmentReport(BaseModel):
    """The output of `python -m benchmarks containment`. Times are seconds; `overhead` is of the medians."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    regime: str
    steps: int
    contained: Summary
    uncontained: Summary
    overhead: float
    same_estimate: bool


def containment(
    regime: Annotated[str, typer.Argument(metavar="REGIME")] = "pde_m1",
    pairs: Annotated[int, typer.Option(min=1, help="Runs with the sandbox, and as many without it.")] = 3,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps; default: the regime's full length.")
    ] = None,
) -> None:
    """Measure the cost of the sandbox for a trial and print it as JSON."""
    workspace, console = find_workspace(Path.cwd()), Console(stderr=True)
    workspace.refuse_uncontained("the trial that is to be measured within the sandbox")
    dataset = dataset_of(workspace, regime)
    budget = steps or dataset.regime.training.full_steps
    ways = {"contained": workspace.sandbox, "uncontained": Sandbox(None)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    estimates: set[bytes] = set()
    with (
        Interruption() as interruption,
        start_from(workspace, find_recipe(workspace, regime, BEST).path) as start,
        tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch,
    ):
        job = Job("", start.code.resolve(start.configuration), seed=0, steps=budget)
        for pair in range(pairs):
            for way, sandbox in ways.items():
                folder = Path(scratch, f"{way}-{pair}")
                outcome = run_alone(job, start.code, dataset, folder, sandbox, interruption.check)
                seconds[way].append(outcome.seconds)
                estimates.add((folder / ESTIMATE).read_bytes())
                console.print(f"{way}: {outcome.seconds:.1f} s", highlight=False)
    contained, uncontained = (summarise(seconds[way]) for way in ways)
    found = ContainmentReport(
        machine=this_machine(),
        commit=head_commit(workspace),
        regime=regime,
        steps=budget,
        contained=contained,
        uncontained=uncontained,
        overhead=contained.median / uncontained.median - 1.0,
        same_estimate=len(estimates) == 1,
    )
    print(found.model_dump_json(indent=1))

"""What the sandbox costs a trial: `python -m benchmarks.containment`.

The same trial, the regime's best recipe at its full budget, is run within the sandbox and without it, in turns, one at
a time. Both must leave the same estimate, to the last bit. Prints one JSON document; progress goes to standard error.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from agent.errors import StoichloopError
from agent.executor.limits import fair_share
from agent.executor.local import slots
from agent.executor.process import TrialProcess
from agent.executor.sandbox import Sandbox
from agent.executor.trial import Outcome, Trial
from agent.recipe import BEST, Start, find_recipe, start_from
from agent.workspace import find_workspace, head_commit
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of, run_command
from benchmarks.summary import Summary, summarise

_POLL_S = 0.02


class Report(BaseModel):
    """What `python -m benchmarks.containment` prints. Times are seconds; `overhead` is of the medians."""

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
    pairs: Annotated[int, typer.Option(min=1, help="How often the trial is run, each way.")] = 3,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps; default: the regime's full budget.")
    ] = None,
) -> None:
    """Measure what the sandbox costs a trial and print it as JSON."""
    workspace, console = find_workspace(Path.cwd()), Console(stderr=True)
    workspace.refuse_uncontained("the trial that is to be measured within the sandbox")
    dataset = dataset_of(workspace, regime)
    budget = steps or dataset.regime.training.full_steps
    ways = {"contained": workspace.sandbox, "uncontained": Sandbox(None)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    estimates: set[bytes] = set()
    with (
        start_from(workspace, find_recipe(workspace, regime, BEST)) as start,
        tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch,
    ):
        for pair in range(pairs):
            for way, sandbox in ways.items():
                folder = Path(scratch, f"{way}-{pair}")
                outcome = _run(start, dataset.observations_path.absolute(), budget, folder, sandbox)
                seconds[way].append(outcome.seconds)
                estimates.add((folder / "estimate.npz").read_bytes())
                console.print(f"{way}: {outcome.seconds:.1f} s", highlight=False)
    found = Report(
        machine=this_machine(),
        commit=head_commit(workspace),
        regime=regime,
        steps=budget,
        contained=summarise(seconds["contained"]),
        uncontained=summarise(seconds["uncontained"]),
        overhead=median(seconds["contained"]) / median(seconds["uncontained"]) - 1.0,
        same_estimate=len(estimates) == 1,
    )
    print(found.model_dump_json(indent=1))


def _run(start: Start, observations: Path, steps: int, folder: Path, sandbox: Sandbox) -> Outcome:
    """One trial, seed 0; raises `StoichloopError` if it did not complete."""
    trial = Trial("containment", 0, "full", steps, "no commit", start.code.resolve(start.configuration))
    process = TrialProcess(trial, start.code.folder, observations, folder, slots(1)[0], sandbox, fair_share(1))
    try:
        while (outcome := process.outcome(float("inf"))) is None:
            time.sleep(_POLL_S)
    finally:
        process.end()
    if outcome.status != "completed":
        raise StoichloopError(f"the trial ended as {outcome.status.replace('_', ' ')}: {outcome.reason}")
    return outcome


if __name__ == "__main__":
    run_command(containment)

"""One scored training run, outside any campaign."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.analyzer.curves import read_curves
from agent.analyzer.estimate import EstimateError
from agent.analyzer.score import score_artifact
from agent.errors import StoichloopError
from agent.executor.code_state import CodeState
from agent.executor.limits import fair_share
from agent.executor.local import slots
from agent.executor.process import TrialProcess
from agent.executor.sandbox import Sandbox
from agent.executor.trial import Outcome, Trial
from simulator.dataset import Dataset

_POLL_S = 0.1


def train_once(
    code: CodeState,
    dataset: Dataset,
    changes: dict[str, Any],
    *,
    seed: int,
    steps: int,
    folder: Path,
    sandbox: Sandbox,
    quiet: bool,
    check: Callable[[], None],
) -> dict[str, Any]:
    """Train `code` with `changes`, score, and say with what; raises `StoichloopError` if the trial did not complete."""
    configuration = code.resolve(changes)
    trial = Trial("train", seed, "full", steps, "no commit", configuration)
    console = Console(stderr=True, quiet=quiet)
    columns = TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=steps)

        def tick() -> None:
            check()
            points = read_curves(folder)
            progress.update(bar, completed=points[-1].step if points else 0)

        run_alone(trial, code, dataset, folder, sandbox, tick)
    try:
        scores = score_artifact(folder / "estimate.npz", dataset)
    except EstimateError as error:
        raise StoichloopError(f"the trial left no usable estimate: {error}") from error
    return {
        "regime": dataset.regime.name,
        "seed": seed,
        "steps": steps,
        "configuration": configuration,
        "scores": scores,
    }


def run_alone(
    trial: Trial, code: CodeState, dataset: Dataset, folder: Path, sandbox: Sandbox, tick: Callable[[], None]
) -> Outcome:
    """Run a trial that has this machine to itself, `tick` called on the way; raises `StoichloopError` if it fails."""
    observations, gpu = dataset.observations_path.absolute(), slots(1)[0]
    process = TrialProcess([(trial, folder)], code.folder, observations, gpu, sandbox, fair_share(1), math.inf)
    try:
        while (outcomes := process.outcomes()) is None:
            tick()
            time.sleep(_POLL_S)
    finally:
        process.end()
    (outcome,) = outcomes
    if outcome.status != "completed":
        raise StoichloopError(f"the trial ended as {outcome.status.replace('_', ' ')}: {outcome.reason}")
    return outcome

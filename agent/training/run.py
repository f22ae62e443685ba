"""One scored training run, outside any campaign."""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.analyzer.scoring.estimate import Estimate, EstimateError, read_estimate
from agent.analyzer.scoring.score import Scores, score
from agent.base.console import Console
from agent.executor.artifacts import ESTIMATE, CurvePoint, read_curves
from agent.executor.code.code_state import CodeState
from agent.executor.local import slots
from agent.executor.process import TrialProcess
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.sandbox.limits import fair_share
from agent.executor.trial import Job, Outcome
from agent.executor.workspace import Workspace
from agent.training.coefficients_csv import write_coefficients
from agent.training.conserved_csv import FoundTotal, totals_in, write_totals
from agent.training.datasets import dataset_of
from agent.training.determined import with_confidence
from agent.training.lacking_csv import Missing, missing_in, write_missing
from agent.training.progress import TrainingProgress
from agent.training.recipe import find_recipe, start_from, uncommitted
from agent.training.recovered_network import RESULT, RecoveredNetwork, network_of
from memory.objective import objective_of
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError

_POLL_S = 0.1


@dataclass(frozen=True)
class Run:
    """One scored training run. `start` names a recipe, its moves and its commit, if there was one."""

    dataset: FrozenData
    start: dict[str, Any]
    seed: int
    steps: int
    configuration: dict[str, Any]
    scores: Scores
    estimate: Estimate
    curves: list[CurvePoint]

    def __repr__(self) -> str:
        objective = objective_of(self.scores)
        score = f"{objective} {self.scores[objective]:.4f}"
        return f"<Run on {self.dataset.regime.name}, seed {self.seed}, {self.steps} steps: {score}>"

    def facts(self) -> dict[str, Any]:
        """Return everything except arrays and curves, as `--json` prints it."""
        data = {"regime": self.dataset.regime.name, "dataset": self.dataset.manifest.fingerprint()}
        names = ("seed", "steps", "configuration", "scores")
        found: dict[str, Any] = {}
        if self.estimate.lacking is not None:
            found["lacking"] = [vars(one) for one in self.missing()]
        if self.estimate.conserved is not None:
            found["conserved"] = [total.weights for total in self.totals()]
        return self.start | data | {name: getattr(self, name) for name in names} | found

    def missing(self) -> list[Missing]:
        """Return what the given network seems to lack, the largest effect first."""
        return missing_in(self.estimate, self.dataset)

    def totals(self) -> list[FoundTotal]:
        """Return the totals of amounts that the trial takes for constant."""
        return totals_in(self.estimate, self.dataset)

    def network(self) -> RecoveredNetwork:
        """Return the named integer network that the estimate decodes to."""
        return network_of(self.estimate, self.dataset.regime, self.dataset.graph, f"a run with seed {self.seed}")


def train_regime(
    workspace: Workspace,
    regime: str,
    asked: dict[str, Any],
    *,
    sibling: int | None,
    seed: int,
    steps: int | None,
    recipe: str | None,
    out: Path | None,
    quiet: bool,
    check: Callable[[], None],
    note: Callable[[str], None],
) -> Run:
    """Train once, with a recipe if one is named, score, and keep the files in `out`; the work of `stoichloop train`.

    Raises `StoichloopError`; nothing is kept then.
    """
    found = None if recipe is None else find_recipe(workspace, regime, recipe)
    if out is not None and out.exists():
        raise StoichloopError(f"--out {out}: exists already; choose another folder name")
    # Kept files are complete: the folder is moved into place after scoring.
    place = out.resolve().parent if out else None
    if found is not None and found.why:
        note(f"recipe {found.path}: {found.why}")
    if found is not None and uncommitted(workspace):
        note("gnn/ holds changes that are not committed; the recipe is applied to the committed gnn/, without them")
    with ExitStack() as stack:
        start = stack.enter_context(start_from(workspace, None if found is None else found.path))
        start.code.resolve(start.configuration | asked)  # so that no data are frozen for what is then refused
        dataset, _ = dataset_of(regime, sibling, quiet=quiet)
        if place is not None:
            place.mkdir(parents=True, exist_ok=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".stoichloop-", dir=place))) / "trial"
        run = train_once(
            start.code,
            dataset,
            start.configuration | asked,
            names=start.names,
            seed=seed,
            steps=steps or dataset.regime.training.full_steps,
            folder=folder,
            sandbox=workspace.sandbox,
            quiet=quiet,
            check=check,
        )
        if out is not None:
            with (folder / RESULT).open("x", encoding="utf-8") as stream:  # never through a link that a trial has left
                stream.write(json.dumps(run.facts(), indent=1) + "\n")
            folder.rename(out)
    return run


def train_once(
    code: CodeState,
    dataset: FrozenData,
    changes: dict[str, Any],
    *,
    names: dict[str, Any],
    seed: int,
    steps: int,
    folder: Path,
    sandbox: Sandbox,
    quiet: bool,
    check: Callable[[], None],
) -> Run:
    """Train `code` with `changes` and score; raises `StoichloopError` if the trial did not complete."""
    configuration = code.resolve(changes)
    job = Job("", configuration, seed, steps)  # of the code in a folder, which need not be committed
    console = Console(stderr=True, quiet=quiet)
    with TrainingProgress(console, steps) as progress:

        def tick() -> None:
            check()
            points = read_curves(folder)
            progress.advance(points[-1].step if points else 0)

        run_alone(job, code, dataset, folder, sandbox, tick)
    try:
        estimate = with_confidence(read_estimate(folder / ESTIMATE, dataset.graph), dataset)
        write_coefficients(folder, dataset)
        write_missing(folder, missing_in(estimate, dataset))
        write_totals(folder, totals_in(estimate, dataset))
    except EstimateError as error:
        raise StoichloopError(f"the trial left no usable estimate: {error}") from error
    return Run(
        dataset=dataset,
        start=names,
        seed=seed,
        steps=steps,
        configuration=configuration,
        scores=score(estimate, dataset),
        estimate=estimate,
        curves=read_curves(folder),
    )


def run_alone(
    job: Job, code: CodeState, dataset: FrozenData, folder: Path, sandbox: Sandbox, tick: Callable[[], None]
) -> Outcome:
    """Run a job that has this machine to itself, calling `tick` on the way; raise `StoichloopError` if it fails."""
    observations, gpu = dataset.observations_path.absolute(), slots(1)[0]
    process = TrialProcess([(job, folder)], code.folder, observations, gpu, sandbox, fair_share(1), math.inf)
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

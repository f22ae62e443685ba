"""The trials that the controller keeps up with: `python -m benchmarks throughput`.

A campaign of sweeps in a throw-away repository, with the real loop, planner, judge, scorer, ledger, git and texts, in
slots like those of one GPU: two, of 64 trials each. A training takes no time and hands in an estimate of real size,
whose coefficients are the true ones with noise. All the time that passes is the controller's. Prints one JSON document;
progress goes to standard error.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydantic import BaseModel, ConfigDict

from agent.base.console import Console
from agent.campaign.budget import Budget, grant
from agent.campaign.folder import start_campaign
from agent.campaign.utilisation import FULL_TRIALS
from agent.executor.artifacts import ESTIMATE
from agent.executor.code.code_state import CodeState
from agent.executor.executor import Attempt, Executor, Members
from agent.executor.trial import Job, Outcome, Trial
from agent.executor.workspace import Workspace, find_workspace, head_commit
from agent.loop.controller import Controller
from agent.loop.loop import lead
from agent.planner.contract import Options
from agent.planner.registry import create_planner
from agent.screen.live import LiveView
from agent.training.run import run_alone
from benchmarks.load import throw_away_repository
from benchmarks.machine import Machine, this_machine
from benchmarks.measure import dataset_of
from memory.ledger import Ledger
from simulator.dataset import Dataset

_NAME, _STEPS, _ANSWERS, _NOISE = "throughput", 8, 32, 0.3
_SLOTS = ["0", "0"]


class ThroughputReport(BaseModel):
    """The output of `python -m benchmarks throughput`; `full_trials_an_hour` counts a trial by its optimiser steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: Machine
    commit: str
    regime: str
    fidelity: str
    seconds: float
    trials: int
    experiments: int
    trials_an_hour: float
    full_trials_an_hour: float
    milliseconds_a_trial: float


@dataclass
class _Ended:
    """Trials that have ended as they began."""

    ended: list[Outcome]
    pid: int = 0

    def outcomes(self) -> list[Outcome]:
        """See `Attempt`."""
        return self.ended

    def end(self) -> None:
        """See `Attempt`."""


@dataclass
class Instant(Executor[Trial]):
    """Hands in one of several answers for each trial, at once."""

    answers: Path = Path()
    started: int = field(default=0, init=False)

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Attempt:
        """See `Executor`."""
        ended = []
        for _, folder in members:
            shutil.copytree(self.answers / str(self.started % _ANSWERS), folder)
            ended.append(Outcome("completed", "", folder, 1.0, device="gpu"))
            self.started += 1
        return _Ended(ended)


def throughput(
    regime: Annotated[str, typer.Argument(help="Regime whose network the answers are for.")] = "pde_m1",
    seconds: Annotated[int, typer.Option(min=1, help="Time of the campaign.")] = 120,
    fidelity: Annotated[str, typer.Option(help="Fidelity of the campaign.")] = "full",
) -> None:
    """Measure how many trials an hour the controller keeps up with, and print it as JSON."""
    here, console = find_workspace(Path.cwd()), Console(stderr=True)
    dataset = dataset_of(here, regime)
    with tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch:
        workspace = throw_away_repository(here, Path(scratch) / "repository")
        answers = Path(scratch) / "answers"
        _write_answers(workspace, dataset, answers)
        campaign = start_campaign(workspace, _NAME, dataset, planner="sweep", fidelity=fidelity, seed=0)
        planner = create_planner("sweep", Options(seed=0, fidelity=fidelity))
        with (
            campaign.lead(),
            Ledger(campaign.ledger_path) as ledger,
            LiveView(Console(quiet=True), campaign, ledger) as view,
        ):
            account = Budget(ledger, grant(ledger, float(seconds), None))
            create_executor = partial(Instant, _SLOTS, answers=answers)
            console.print(f"{seconds} s of a campaign")
            began = time.monotonic()
            with Controller(
                workspace, campaign, dataset, ledger, account, view, planner, create_executor, lambda: None, ""
            ) as controller:
                lead(controller)
            took = time.monotonic() - began
            past, full_trials = ledger.experiments(), ledger.spent(FULL_TRIALS)
    trials = sum(len(experiment.all_trials) for experiment in past)
    found = ThroughputReport(
        machine=this_machine(),
        commit=head_commit(here),
        regime=regime,
        fidelity=fidelity,
        seconds=round(took, 1),
        trials=trials,
        experiments=len(past),
        trials_an_hour=round(3600.0 * trials / took),
        full_trials_an_hour=round(3600.0 * full_trials / took),
        milliseconds_a_trial=round(1000.0 * took / max(trials, 1), 1),
    )
    print(found.model_dump_json(indent=1))


def _write_answers(workspace: Workspace, dataset: Dataset, folder: Path) -> None:
    """Train for a few steps, and write what that leaves with the true coefficients and noise in place of its own."""
    trained, code, draw = folder / "trained", CodeState(workspace.root, workspace.sandbox), np.random.default_rng(0)
    run_alone(Job("", code.resolve({}), 0, _STEPS), code, dataset, trained, workspace.sandbox, lambda: None)
    arrays = dict(np.load(trained / ESTIMATE))
    for number in range(_ANSWERS):
        arrays["sto_all"] = dataset.truth.sto_all + draw.normal(scale=_NOISE, size=len(arrays["sto_all"]))
        answer = folder / str(number)
        shutil.copytree(trained, answer)
        np.savez(answer / ESTIMATE, **arrays)

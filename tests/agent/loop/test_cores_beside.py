"""A campaign with slots of both kinds. No test has a GPU: slots that are named after one train on cores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from agent.base.console import Console
from agent.campaign.budget import Budget, grant
from agent.campaign.status import read_status
from agent.executor.executor import Attempt, Executor, Members
from agent.executor.process import TrialProcess
from agent.executor.sandbox.limits import fair_share
from agent.executor.trial import Outcome, Trial
from agent.executor.workspace import Workspace
from agent.loop.controller import Controller
from agent.loop.loop import lead
from agent.planner.planners.sweep import Sweep
from agent.screen.live import LiveView
from memory.records import TrialResult
from simulator.dataset import Dataset
from tests.agent.winners.nights import FIDELITY, Night


@dataclass
class OnGpu:
    """A process on a core, as one on a GPU would be told of."""

    process: TrialProcess

    @property
    def pid(self) -> int:
        return self.process.pid

    def outcomes(self) -> list[Outcome] | None:
        found = self.process.outcomes()
        return None if found is None else [replace(outcome, device="gpu") for outcome in found]

    def end(self) -> None:
        self.process.end()


class Slots(Executor[Trial]):
    """An executor on cores, where the slots with a name count as slots on a GPU."""

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Attempt:
        code, limits = self.worktrees.at(members[0][0].commit).folder, fair_share(len(self.slots))
        process = TrialProcess(members, code, observations, None, self.worktrees.sandbox, limits, limit_s)
        return process if self.slots[slot] is None else OnGpu(process)


def run(workspace: Workspace, dataset: Dataset) -> tuple[list[TrialResult], str]:
    """Run six experiments in two slots on a GPU and two on cores beside it; return the trials, and the log."""
    night = Night(workspace, dataset)
    view = LiveView(Console(quiet=True), night.campaign, night.ledger)
    budget, executor = Budget(night.ledger, grant(night.ledger, 600.0, 6)), partial(Slots, ["0", "0", None, None])
    arguments = workspace, night.campaign, dataset, night.ledger, budget, view, Sweep(0, FIDELITY), executor
    with Controller(*arguments, lambda: None, "stoichloop explore") as controller:
        lead(controller)
    assert str(controller.ending) == "stopped: 6 of 6 experiments used"
    status, log = read_status(night.campaign, night.ledger), " ".join(event.message for event in night.ledger.events())
    assert status.utilisation is not None
    assert status.utilisation.cores is not None
    assert "; cores beside it busy " in str(status.utilisation)
    trials = [trial for e in night.ledger.experiments() for trial in e.trials if trial.device is not None]
    night.close()
    return trials, log


def test_trials_of_a_campaign_that_train_together_run_on_gpus(quick: Workspace, tiny: Dataset) -> None:
    trials, log = run(quick, tiny)
    assert {(trial.status, trial.device) for trial in trials} == {("completed", "gpu")}
    assert "crashed" not in log


def test_trials_of_code_that_cannot_train_several_run_on_cores_beside_gpus_too(quick: Workspace, tiny: Dataset) -> None:
    path, members = quick.root / "gnn" / "train.py", "    members = [\n"
    refusal = "    if len(asked) > 1:\n        raise ValueError('only one')\n"
    assert members in path.read_text()
    path.write_text(path.read_text().replace(members, refusal + members))
    quick.repo.git.commit("--all", "-m", "an edit")
    trials, log = run(quick, tiny)
    assert {(trial.status, trial.device) for trial in trials} == {("completed", "gpu"), ("completed", "cpu")}
    assert "retrying its trials one at a time" in log

"""Trials that train together in one process."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, Members
from agent.executor.local import LocalExecutor
from agent.executor.trial import Job, Outcome, Trial
from agent.executor.workspace import Workspace, head_commit
from simulator.dataset import Dataset
from tests.agent.hosts import Host, Times

STEPS = 20


class Slots:
    """An executor on cores where trials share a process as they would on GPUs, and what its host was told."""

    def __init__(self, workspace: Workspace, tiny: Dataset, folder: Path, *, slots: int, together: int | None) -> None:
        self.workspace, self.host = workspace, Host(folder, tiny.observations_path)
        worktrees = Worktrees(workspace.repo, folder / "worktrees", workspace.sandbox)
        self.executor: LocalExecutor[Trial] = LocalExecutor([None] * slots, worktrees, self.host, together=together)

    def run(self, *changes: dict[str, Any]) -> dict[str, Outcome]:
        """Return the outcome of a trial of each of these configurations; their seeds are 0, 1, 2 and so on."""
        commit = head_commit(self.workspace)
        state = self.executor.worktrees.at(commit)
        jobs = [Job(commit, state.resolve(each), seed, STEPS) for seed, each in enumerate(changes)]
        trials = [Trial("e0001", "probe", job) for job in jobs]
        return {trial.id: outcome for trial, outcome in self.executor.run(trials, Times(expected_s=1.0))}

    @property
    def pids(self) -> dict[str, list[int]]:
        """Return the processes of each trial, in the order of their start."""
        return {name: [pid for other, pid in self.host.starts if other == name] for name, _ in self.host.starts}

    @property
    def processes(self) -> list[int]:
        """Return the number of trials of each process, in the order of their start."""
        pids = [pid for attempts in self.pids.values() for pid in attempts]
        return [pids.count(pid) for pid in dict.fromkeys(pids)]


class Networks(Host):
    """A host whose trials on siblings have data of their own."""

    def observations_of(self, training: Trial) -> Path:
        return self.observations / str(training.sibling)


@dataclass
class Ended:
    """An attempt that ended as it began."""

    members: Members
    pid: int = 1

    def outcomes(self) -> list[Outcome]:
        return [Outcome("completed", "", folder, 0.0) for _, folder in self.members]

    def end(self) -> None:
        """It has ended."""


@dataclass
class Starts(Executor[Trial]):
    """An executor that notes which data each process is given, and how many trials, and trains nothing."""

    made: list[tuple[str, int]] = field(default_factory=list)

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Ended:
        self.made.append((observations.name, len(members)))
        return Ended(members)


def test_trials_on_other_networks_have_a_process_of_their_own(workspace: Workspace, tmp_path: Path) -> None:
    worktrees = Worktrees(workspace.repo, tmp_path / "worktrees", workspace.sandbox)
    executor = Starts([None], worktrees, Networks(tmp_path, Path("data")), together=64)
    commit = head_commit(workspace)
    job = Job(commit, worktrees.at(commit).resolve({}), 0, STEPS)
    trials = [Trial("e0001", "probe", replace(job, seed=seed), sibling) for seed, sibling in enumerate([0, 1, 0, 2, 1])]
    assert len(list(executor.run(trials, Times()))) == len(trials)
    assert sorted(executor.made) == [("0", 2), ("1", 2), ("2", 1)]


def edit(workspace: Workspace, file: str, old: str, new: str) -> None:
    path = workspace.root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    workspace.repo.git.commit("--all", "-m", "an edit")


def coefficients(outcome: Outcome) -> Any:
    return np.load(outcome.folder / "estimate.npz")["sto_all"]


def test_trials_of_one_shape_share_a_process_and_come_out_as_each_alone(
    workspace: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    changes: list[dict[str, Any]] = [{}, {"lr_S": 0.01, "schedule": "cosine"}, {"coeff_mass": 0.01}]
    together = Slots(workspace, tiny, tmp_path / "together", slots=1, together=8)
    alone = Slots(workspace, tiny, tmp_path / "alone", slots=1, together=None)
    found, known = together.run(*changes), alone.run(*changes)
    assert together.processes == [3]
    assert alone.processes == [1, 1, 1]
    assert {outcome.status for outcome in found.values()} == {"completed"}
    for name, outcome in found.items():
        np.testing.assert_array_equal(coefficients(outcome), coefficients(known[name]))
        assert sorted(path.name for path in outcome.folder.iterdir()) == sorted(
            path.name for path in known[name].folder.iterdir()
        )


def test_slots_get_equal_shares_of_what_is_alike_and_shapes_stay_apart(
    quick: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    slots = Slots(quick, tiny, tmp_path, slots=2, together=8)
    slots.run({}, {}, {"width": 16}, {"lr_k": 0.01}, {"width": 16, "lr_k": 0.1}, {"depth": 1})
    shares = sorted(sorted(name for name, pids in slots.pids.items() if pids == [pid]) for pid in pids_of(slots))
    assert shares == [
        ["e0001/s0/probe", "e0001/s1/probe"],
        ["e0001/s2/probe", "e0001/s4/probe"],  # the last slot that is free takes all of a shape
        ["e0001/s3/probe"],
        ["e0001/s5/probe"],
    ]


def pids_of(slots: Slots) -> list[int]:
    return list(dict.fromkeys(pid for attempts in slots.pids.values() for pid in attempts))


def test_a_loss_that_is_not_finite_costs_nobody_else_anything(
    workspace: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    slots = Slots(workspace, tiny, tmp_path, slots=1, together=8)
    outcomes = slots.run({}, {"lr_k": 1e10}, {})
    assert [outcome.status for outcome in outcomes.values()] == ["completed", "non_finite", "completed"]
    assert "the loss became infinite or not a number" in outcomes["e0001/s1/probe"].reason
    assert slots.processes == [3]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('nargs=3, metavar=("CONFIG", "SEED", "FOLDER"), action="append")', 'nargs="?")'),
        ("    members = [\n", "    if len(asked) > 1:\n        raise ValueError('only one')\n    members = [\n"),
    ],
    ids=["knows of no members", "crashes with several"],
)
def test_code_that_cannot_train_several_trains_one_by_one_and_that_is_said(
    old: str, new: str, quick: Workspace, tiny: Dataset, tmp_path: Path
) -> None:
    edit(quick, "gnn/train.py", old, new)
    slots = Slots(quick, tiny, tmp_path, slots=1, together=8)
    outcomes = slots.run({}, {}, {})
    assert [outcome.status for outcome in outcomes.values()] == ["completed"] * 3
    assert slots.processes == [3, 1, 1, 1]
    assert len(slots.host.notes) == 1
    assert "crashed (exit status" in slots.host.notes[0]
    slots.run({"lr_S": 0.01}, {"lr_S": 0.01})
    assert len(slots.host.notes) == 1


def test_several_that_take_too_long_are_ended_together(workspace: Workspace, tiny: Dataset, tmp_path: Path) -> None:
    edit(
        workspace,
        "gnn/train.py",
        "    observations = read_obs",
        "    import time\n    time.sleep(600)\n    observations = read_obs",
    )
    slots = Slots(workspace, tiny, tmp_path, slots=1, together=2)
    trials = [Trial("e0001", "probe", Job(head_commit(workspace), {}, seed, STEPS)) for seed in (0, 1)]
    outcomes = slots.executor.run(trials, Times(limit_s=1.0))
    assert [(trial.job.seed, o.status, o.reason) for trial, o in outcomes] == [
        (seed, "timed_out", "stopped at its time limit of 2 s") for seed in (0, 1)
    ]

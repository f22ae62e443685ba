"""Slots on GPUs and on cores beside them: code goes where a training of it has been timed to be faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, Members
from agent.executor.local import limits_of, slots
from agent.executor.sandbox.limits import fair_share
from agent.executor.trial import Job, Outcome, Trial
from agent.executor.workspace import Workspace, head_commit
from memory.records import TrialStatus
from tests.agent.hosts import Host, Times

SLOTS = ("0", "0", None, None)


@dataclass
class Ended:
    """An attempt that ended as it began, after so many seconds of its process."""

    members: Members
    seconds: float
    batches: bool
    pid: int = 1

    def outcomes(self) -> list[Outcome]:
        status: TrialStatus = "completed" if self.batches or len(self.members) == 1 else "crashed"
        share = self.seconds / len(self.members)
        return [Outcome(status, "", folder, share) for _, folder in self.members]

    def end(self) -> None:
        """It has ended."""


@dataclass
class Timed(Executor[Trial]):
    """An executor that trains nothing and takes as long as a table says, by commit: on a GPU, on a core."""

    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    batches: bool = True
    started: list[tuple[str, int]] = field(default_factory=list)  # the device and the number of trials of a process

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Ended:
        on_gpu, on_core = self.seconds[members[0][0].commit]
        self.started.append((self._device(slot), len(members)))
        return Ended(members, on_core if self.slots[slot] is None else on_gpu, self.batches)


def trials_of(commit: str, count: int) -> list[Trial]:
    return [Trial("e0001", "probe", Job(commit, {}, seed, 20)) for seed in range(count)]


@pytest.fixture
def timed(workspace: Workspace, tmp_path: Path) -> Callable[..., Timed]:
    def make(on_gpu: float, on_core: float, *, batches: bool = True) -> Timed:
        worktrees = Worktrees(workspace.repo, tmp_path / "worktrees", workspace.sandbox)
        host = Host(tmp_path, tmp_path / "observations.npz")
        times = {head_commit(workspace): (on_gpu, on_core)}
        return Timed(SLOTS, worktrees, host, seconds=times, batches=batches)

    return make


def test_what_trains_together_stays_on_gpus(timed: Callable[..., Timed], workspace: Workspace) -> None:
    executor = timed(14.0, 6.0)
    trials = trials_of(head_commit(workspace), 41)
    assert executor.submit(trials, Times()) == trials
    assert executor.started == [("gpu", 21), ("gpu", 20)]
    assert executor.submit(trials_of(head_commit(workspace), 50)[41:], Times()) == []  # no core takes it
    assert executor.free_cores == 2


@pytest.mark.parametrize(("on_gpu", "on_core", "first"), [(55.0, 22.0, "cpu"), (22.0, 55.0, "gpu")])
def test_what_trains_alone_is_timed_on_both_and_goes_first_where_it_takes_less(
    on_gpu: float, on_core: float, first: str, timed: Callable[..., Timed], workspace: Workspace
) -> None:
    executor = timed(on_gpu, on_core, batches=False)
    trials = trials_of(head_commit(workspace), 9)
    assert len(list(executor.run(trials, Times()))) == 9
    assert [count for _, count in executor.started[:3]] == [5, 4, 1]  # two batches crash, then one at a time
    executor.started.clear()
    assert executor.submit(trials, Times()) == trials[:4]  # and nothing idles
    other = {"cpu": "gpu", "gpu": "cpu"}[first]
    assert executor.started == [(first, 1)] * 2 + [(other, 1)] * 2


def test_a_gpu_prefers_what_trains_together(timed: Callable[..., Timed], workspace: Workspace) -> None:
    executor = timed(55.0, 22.0, batches=False)
    alone = trials_of(head_commit(workspace), 9)
    list(executor.run(alone, Times()))
    path = workspace.root / "gnn" / "train.py"
    path.write_text(path.read_text() + "\n# other code\n")
    workspace.repo.git.commit("--all", "-m", "an edit")
    executor.seconds[head_commit(workspace)] = (14.0, 6.0)
    together = [replace(trial, experiment="e0002") for trial in trials_of(head_commit(workspace), 9)]
    executor.started.clear()
    assert executor.submit([*alone, *together], Times()) == [*alone[:2], *together]
    assert executor.started == [("cpu", 1), ("cpu", 1), ("gpu", 5), ("gpu", 4)]


def test_cores_beside_gpus_are_those_that_these_leave_and_that_have_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    monkeypatch.setattr("agent.executor.local.granted_cores", lambda: 2)
    assert slots(None) == ["2", "2"]
    assert slots(3) == ["2", "2", "2"]  # as many as asked for, on GPUs alone
    monkeypatch.setattr("agent.executor.local.granted_cores", lambda: 16)
    monkeypatch.setattr("agent.executor.local.granted_memory", lambda: 16 * 2**30)
    assert slots(None) == ["2", "2", *[None] * 3]  # of nine tenths of 16 GiB, half is 7.2


@pytest.mark.parametrize(("memory", "gpu", "core"), [(20, 4.5, 3.0), (100, 39.0, 4.0)])
def test_cores_beside_gpus_leave_these_half_of_the_memory_or_more(
    memory: int, gpu: float, core: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.executor.local.granted_memory", lambda: memory * 2**30)
    mixed = ["0", "0", None, None, None]
    assert [limits_of(mixed, slot).memory / 2**30 for slot in (0, 4)] == pytest.approx([gpu, core])
    assert limits_of([None, None], 1) == fair_share(2)

"""Slots on GPUs and on cores beside them: code goes where a training of it has been timed to be faster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, Members
from agent.executor.local import limits_of, slots
from agent.executor.sandbox.granted import granted_cores, granted_memory
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


def test_a_gpu_trains_many_at_once_and_one_core_times_the_code_once(
    timed: Callable[..., Timed], workspace: Workspace
) -> None:
    executor = timed(14.0, 6.0)
    assert len(list(executor.run(trials_of(head_commit(workspace), 41), Times()))) == 41
    assert executor.started == [("cpu", 1), ("gpu", 20), ("gpu", 20)]
    executor.started.clear()
    assert len(list(executor.run(trials_of(head_commit(workspace), 40), Times()))) == 40
    assert executor.started == [("gpu", 20), ("gpu", 20)]


def test_a_few_go_to_cores_if_a_process_on_a_gpu_takes_longer(
    timed: Callable[..., Timed], workspace: Workspace
) -> None:
    executor = timed(14.0, 6.0)
    list(executor.run(trials_of(head_commit(workspace), 41), Times()))
    executor.started.clear()
    list(executor.run(trials_of(head_commit(workspace), 2), Times()))
    assert executor.started == [("cpu", 1), ("cpu", 1)]


@pytest.mark.parametrize(("on_gpu", "on_core", "home"), [(55.0, 22.0, "cpu"), (22.0, 55.0, "gpu")])
def test_code_that_trains_one_at_a_time_goes_where_that_is_faster(
    on_gpu: float, on_core: float, home: str, timed: Callable[..., Timed], workspace: Workspace
) -> None:
    executor = timed(on_gpu, on_core, batches=False)
    list(executor.run(trials_of(head_commit(workspace), 9), Times()))
    assert executor.host.notes  # type: ignore[attr-defined]
    executor.started.clear()
    list(executor.run(trials_of(head_commit(workspace), 9), Times()))
    assert executor.started == [(home, 1)] * 9


def test_what_found_no_slot_of_its_kind_waits_for_one(timed: Callable[..., Timed], workspace: Workspace) -> None:
    executor = timed(55.0, 22.0, batches=False)
    list(executor.run(trials_of(head_commit(workspace), 9), Times()))
    trials = trials_of(head_commit(workspace), 5)
    assert executor.submit(trials, Times()) == trials[:2]
    assert (executor.free, executor.free_cores) == (2, 0)
    assert executor.submit(trials[2:], Times()) == []
    assert [trial for trial, _ in executor.poll()] == trials[:2]


def test_cores_beside_gpus_are_those_that_these_leave_and_that_have_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    cores = max(0, min(granted_cores() - 2, granted_memory() // 2 // (2 * 2**30)))
    assert slots(None) == ["2", "2", *[None] * cores]
    assert slots(3) == ["2", "2", "2"]  # as many as asked for, on GPUs alone
    monkeypatch.setattr("agent.executor.local.granted_cores", lambda: 16)
    monkeypatch.setattr("agent.executor.local.granted_memory", lambda: 16 * 2**30)
    assert slots(None) == ["2", "2", *[None] * 4]


def test_gpus_and_cores_have_half_of_the_memory_each() -> None:
    mixed = ["0", "0", None, None, None]
    assert limits_of(mixed, 0) == fair_share(4)
    assert limits_of(mixed, 4) == fair_share(6)
    assert limits_of([None, None], 1) == fair_share(2)

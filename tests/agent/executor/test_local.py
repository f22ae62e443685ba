import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.executor.code.worktree import Worktrees
from agent.executor.local import LocalExecutor, slots
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.trial import Trial
from agent.executor.workspace import Workspace, head_commit

WAIT = """
import sys, time
from pathlib import Path
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
time.sleep(float(arguments["--steps"]) / 10)
"""


@pytest.fixture
def executor(workspace: Workspace, tmp_path: Path) -> LocalExecutor:
    """Two slots; a trial of n steps sleeps for n / 10 seconds."""
    (workspace.root / "gnn" / "train.py").write_text(WAIT)
    workspace.repo.git.commit("--all", "-m", "sleep")
    return LocalExecutor(
        slots=[None, None],
        worktrees=Worktrees(workspace.repo, tmp_path / "worktrees", workspace.sandbox),
        observations_of=lambda _: tmp_path / "observations.npz",
        folder_of=lambda trial: tmp_path / trial.id,
        has_room=lambda: True,
        started=lambda trial, folder, pid: starts.append((trial.id, pid)),
        tick=lambda: None,
        note=notes.append,
    )


starts: list[tuple[str, int]] = []
notes: list[str] = []


@pytest.fixture(autouse=True)
def _no_starts() -> None:
    starts.clear()
    notes.clear()


def sleepers(workspace: Workspace, *steps: int) -> list[Trial]:
    return [Trial("e0001", seed, "probe", n, head_commit(workspace), {}) for seed, n in enumerate(steps)]


def plenty() -> float:
    return 1000.0


def countdown(seconds: float) -> Callable[[], float]:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def test_a_slot_that_is_free_takes_the_next_trial(executor: LocalExecutor, workspace: Workspace) -> None:
    outcomes = executor.run(sleepers(workspace, 20, 1, 1), expected_s=lambda _: 0, limit_s=lambda _: 60, left_s=plenty)
    assert [outcome.trial.seed for outcome in outcomes] == [1, 2, 0]


def test_each_trial_has_its_time_limit(executor: LocalExecutor, workspace: Workspace) -> None:
    outcomes = {
        o.trial.seed: o.status
        for o in executor.run(sleepers(workspace, 600, 1), expected_s=lambda _: 0, limit_s=lambda _: 2, left_s=plenty)
    }
    assert outcomes == {0: "timed_out", 1: "completed"}


def test_nothing_is_started_that_cannot_end_in_time(executor: LocalExecutor, workspace: Workspace) -> None:
    assert (
        list(executor.run(sleepers(workspace, 1), expected_s=lambda _: 10, limit_s=lambda _: 60, left_s=lambda: 9.0))
        == []
    )
    assert starts == []


def test_when_time_is_up_what_runs_is_ended_without_an_outcome(executor: LocalExecutor, workspace: Workspace) -> None:
    assert (
        list(
            executor.run(
                sleepers(workspace, 600, 600), expected_s=lambda _: 0, limit_s=lambda _: 60, left_s=countdown(1.5)
            )
        )
        == []
    )
    assert len(starts) == 2
    assert not any(Path(f"/proc/{pid}/cwd").exists() for _, pid in starts)


def test_on_a_full_disk_trials_wait_for_room(executor: LocalExecutor, workspace: Workspace) -> None:
    room = iter([False] * 5)
    executor.has_room = lambda: next(room, True)
    outcomes = executor.run(sleepers(workspace, 1), expected_s=lambda _: 0, limit_s=lambda _: 60, left_s=plenty)
    assert [outcome.status for outcome in outcomes] == ["completed"]
    assert next(room, None) is None


def test_nobody_waits_for_room_longer_than_there_is_time(executor: LocalExecutor, workspace: Workspace) -> None:
    executor.has_room = lambda: False
    outcomes = executor.run(sleepers(workspace, 1), expected_s=lambda _: 0, limit_s=lambda _: 60, left_s=countdown(0.5))
    assert list(outcomes) == []
    assert starts == []


def test_slots_are_the_cores_or_gpus_that_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert slots(None) == [None] * len(os.sched_getaffinity(0))
    assert slots(5) == [None] * 5
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert visible_gpus() == ["2", "3"]
    assert slots(None) == ["2", "3"]
    assert slots(3) == ["2", "3", "2"]

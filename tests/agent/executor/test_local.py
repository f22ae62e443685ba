import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from agent.executor.code.worktree import Worktrees
from agent.executor.local import LocalExecutor, slots
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.trial import Job, Trial
from agent.executor.workspace import Workspace, head_commit
from tests.agent.hosts import Host, Times

WAIT = """
import sys, time
from pathlib import Path
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
time.sleep(float(arguments["--steps"]) / 10)
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, tmp_path / "observations.npz")


@pytest.fixture
def executor(workspace: Workspace, host: Host, tmp_path: Path) -> LocalExecutor[Trial]:
    """Two slots; a trial of n steps sleeps for n / 10 seconds."""
    (workspace.root / "gnn" / "train.py").write_text(WAIT)
    workspace.repo.git.commit("--all", "-m", "sleep")
    worktrees = Worktrees(workspace.repo, tmp_path / "worktrees", workspace.sandbox)
    return LocalExecutor([None, None], worktrees, host)


def sleepers(workspace: Workspace, *steps: int) -> list[Trial]:
    return [Trial("e0001", "probe", Job(head_commit(workspace), {}, seed, n)) for seed, n in enumerate(steps)]


def test_a_slot_that_is_free_takes_the_next_trial(executor: LocalExecutor[Trial], workspace: Workspace) -> None:
    with closing(executor.run(sleepers(workspace, 600, 1, 1), Times())) as outcomes:
        assert [trial.job.seed for trial, _ in islice(outcomes, 2)] == [1, 2]


def test_each_trial_has_its_time_limit(executor: LocalExecutor[Trial], workspace: Workspace) -> None:
    outcomes = executor.run(sleepers(workspace, 600, 1), Times(limit_s=2.0))
    assert {trial.job.seed: outcome.status for trial, outcome in outcomes} == {0: "timed_out", 1: "completed"}


def test_nothing_is_started_that_cannot_end_in_time(
    executor: LocalExecutor[Trial], host: Host, workspace: Workspace
) -> None:
    assert list(executor.run(sleepers(workspace, 1), Times(expected_s=10.0, left_s=9.0))) == []
    assert host.starts == []


def test_when_time_is_up_what_runs_is_ended_without_an_outcome(
    executor: LocalExecutor[Trial], host: Host, workspace: Workspace
) -> None:
    assert list(executor.run(sleepers(workspace, 600, 600), Times(left_s=6.0))) == []
    assert len(host.starts) == 2
    assert not any(Path(f"/proc/{pid}/cwd").exists() for _, pid in host.starts)


def test_on_a_full_disk_trials_wait_for_room(executor: LocalExecutor[Trial], host: Host, workspace: Workspace) -> None:
    room = iter([False] * 5)
    host.room = lambda: next(room, True)
    assert [outcome.status for _, outcome in executor.run(sleepers(workspace, 1), Times())] == ["completed"]
    assert next(room, None) is None


def test_nobody_waits_for_room_longer_than_there_is_time(
    executor: LocalExecutor[Trial], host: Host, workspace: Workspace
) -> None:
    host.room = lambda: False
    assert list(executor.run(sleepers(workspace, 1), Times(left_s=0.5))) == []
    assert host.starts == []


def test_slots_are_the_cores_or_gpus_that_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert slots(None) == [None] * len(os.sched_getaffinity(0))
    assert slots(5) == [None] * 5
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert visible_gpus() == ["2", "3"]
    assert slots(None) == ["2", "3", "2", "3"]
    assert slots(3) == ["2", "3", "2"]


@pytest.fixture
def cpu_group() -> Iterator[Path]:
    """Make a cgroup of version 1 for a quota of processor time, where this user can."""
    folder = Path(f"/sys/fs/cgroup/cpu/stoichloop-test-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"this user can make no cgroup with a quota here: {error}")
    yield folder
    folder.rmdir()


@pytest.mark.parametrize(
    ("quota", "expected"), [(50_000, 1), (100_000, 1), (199_999, 1), (-1, len(os.sched_getaffinity(0)))]
)
def test_a_quota_of_processor_time_grants_fewer_slots(cpu_group: Path, quota: int, expected: int) -> None:
    (cpu_group / "cpu.cfs_quota_us").write_text(str(quota))
    count = "from agent.executor.local import slots; print(len(slots(None)))"
    done = subprocess.run(
        ["sh", "-c", f'echo $$ >{cpu_group}/cgroup.procs && exec "$@"', "sh", sys.executable, "-c", count],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == expected

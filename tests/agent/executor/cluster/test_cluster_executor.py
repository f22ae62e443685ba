"""Trials on the workers of a cluster, which are on this machine here: Parsl's own, with its own interchange."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import psutil
import pytest

from agent.executor.cluster.cluster_executor import ClusterExecutor
from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.cluster.workers import Workers
from agent.executor.code.worktree import Worktrees
from agent.executor.executor import Executor, Members
from agent.executor.local import LocalExecutor
from agent.executor.trial import Job, Outcome, Trial
from agent.executor.workspace import Workspace, head_commit
from agent.training.score_outcome import score_outcome
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.agent.hosts import Host, Times
from tests.conftest import clone_for, command_line

WAIT = """
import sys, time
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if arguments["--seed"] == "13":
    raise ValueError("as asked")
time.sleep(float(arguments["--steps"]) / 10)
"""


class Cluster:
    """Two workers for a clone with two states of the code: the real one, and one whose trials only wait."""

    def __init__(self, folder: Path, tiny: Dataset) -> None:
        self.tiny, self.folder = tiny, folder
        self.host = Host(folder / "out", tiny.observations_path)
        self.notes = self.host.notes
        self.workspace: Workspace = clone_for(folder / "clone", tiny)
        self.real = head_commit(self.workspace)
        (self.workspace.root / "gnn" / "train.py").write_text(WAIT)
        self.workspace.repo.git.commit("--all", "-m", "wait")
        self.waits = head_commit(self.workspace)
        self.worktrees = Worktrees(self.workspace.repo, folder / "worktrees", self.workspace.sandbox)
        self.workers = Workers(
            ClusterFile(scheduler="local", workers_per_node=2), self.workspace.root, folder / "parsl", self.notes.append
        )

    def on_workers(self) -> ClusterExecutor[Trial]:
        """Yield an executor for these trials, with two slots."""
        return ClusterExecutor([None, None], self.worktrees, self.host, workers=self.workers)

    def waiting(self, *steps: int, seed: int = 0) -> list[Trial]:
        """Trials of n steps that wait for n / 10 seconds."""
        return [Trial("e0001", "probe", Job(self.waits, {}, seed + index, n)) for index, n in enumerate(steps)]

    def training(self) -> Trial:
        """Return a trial that trains."""
        configuration = self.worktrees.at(self.real).resolve({"lr_S": 0.003})
        return Trial("e0002", "probe", Job(self.real, configuration, seed=0, steps=30))

    @cached_property
    def here(self) -> Outcome:
        """Return the outcome of the trial in a slot of this machine."""
        (outcome,) = run(LocalExecutor([None, None], self.worktrees, self.host), [self.training()])
        return outcome

    def processes(self) -> list[psutil.Process]:
        """Return the processes of trials, in the order of their start."""
        each = psutil.process_iter(["cmdline", "create_time"])
        ours = [p for p in each if any(word.startswith(str(self.folder / "out")) for word in p.info["cmdline"] or ())]
        return sorted(ours, key=lambda p: p.info["create_time"])

    def is_quiet(self) -> bool:
        """Return whether all trials end within a moment."""
        deadline = time.monotonic() + 3.0
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.processes()


def left_behind(folder: Path) -> list[list[str]]:
    """Command lines of what still works in a folder after a moment."""
    deadline = time.monotonic() + 5.0
    while True:
        lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        ours = [words for words in lines if str(folder) in " ".join(words)]
        if not ours or time.monotonic() > deadline:
            return ours
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), tiny)
    with cluster.workers:
        yield cluster
    assert "jobs may be left" not in " ".join(cluster.notes)
    assert left_behind(cluster.folder) == []


def run(executor: Executor[Trial], trials: list[Trial], limit_s: float = 60.0, left_s: float = 1000.0) -> list[Outcome]:
    """Outcomes in the order of the trials."""
    found = list(executor.run(trials, Times(limit_s=limit_s, left_s=left_s)))
    return [outcome for _, outcome in sorted(found, key=lambda each: trials.index(each[0]))]


@pytest.mark.long
def test_trials_come_out_as_they_do_in_slots_of_this_machine(cluster: Cluster, tiny: Dataset) -> None:
    there, crashed = run(cluster.on_workers(), [cluster.training(), *cluster.waiting(1, seed=13)])
    here = cluster.here
    assert there.status == "completed"
    assert score_outcome(there, tiny) == score_outcome(here, tiny)
    assert {path.name for path in there.folder.iterdir()} == {path.name for path in here.folder.iterdir()}
    for name in ("config.json", "estimate.npz"):
        assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes()
    assert crashed.status == "crashed"
    assert crashed.reason.startswith("exit status 1: ValueError: as asked")


def test_a_worker_that_is_killed_costs_an_attempt_and_nothing_else(cluster: Cluster, tiny: Dataset) -> None:
    trial = cluster.training()
    executor, killed = cluster.on_workers(), list[int]()

    def kill_once() -> None:
        if not killed and (running := cluster.processes()):
            worker = running[0].ppid()
            psutil.Process(worker).kill()
            killed.append(worker)

    cluster.host.on_tick = kill_once
    (outcome,) = run(executor, [trial])
    cluster.host.on_tick = lambda: None
    assert killed
    assert (outcome.status, outcome.lost, outcome.folder.exists()) == ("completed", False, True)
    (note,) = [note for note in cluster.notes if note.startswith(trial.id)]
    assert "lost with its worker" in note
    assert note.endswith(": retrying")
    assert cluster.is_quiet()
    assert score_outcome(outcome, tiny) == score_outcome(cluster.here, tiny)


def test_each_trial_has_its_time_limit_where_it_runs(cluster: Cluster) -> None:
    outcomes = run(cluster.on_workers(), cluster.waiting(600, 1), limit_s=3.0)
    assert [outcome.status for outcome in outcomes] == ["timed_out", "completed"]
    assert 3.0 <= outcomes[0].seconds < 7.0
    assert cluster.is_quiet()


def test_when_time_is_up_what_runs_is_ended_and_what_waits_is_not_begun(cluster: Cluster) -> None:
    executor = cluster.on_workers()
    executor.slots = [None] * 3  # one more than there are workers
    assert run(executor, cluster.waiting(600, 600, 600), left_s=4.0) == []
    assert cluster.is_quiet()
    (outcome,) = run(cluster.on_workers(), cluster.waiting(1))
    assert outcome.status == "completed"


class Lost:
    """Trials that were lost with their worker as soon as they were started."""

    pid = 0

    def __init__(self, members: Members) -> None:
        self.members = members

    def outcomes(self) -> list[Outcome]:
        return [Outcome("crashed", "lost", folder, 1.0, lost=True) for _, folder in self.members]

    def end(self) -> None:
        """They have ended."""


class Ill(Executor[Trial]):
    """Runs trials on workers that do not live."""

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Lost:
        return Lost(members)


def test_a_trial_that_is_lost_again_and_again_has_crashed(cluster: Cluster) -> None:
    cluster.notes.clear()
    (outcome,) = run(Ill([None, None], cluster.worktrees, cluster.host), cluster.waiting(1))
    assert (outcome.status, outcome.lost) == ("crashed", True)
    assert cluster.notes == ["e0001/s0/probe: lost: retrying"] * 2


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a command of SLURM's in place, as a line of shell."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def command(name: str, line: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)

    return command


def test_workers_that_do_not_come_are_told_of(
    tmp_path: Path, workspace: Workspace, slurm: Callable[[str, str], None]
) -> None:
    slurm("sbatch", "echo 'sbatch: error: invalid account' >&2; exit 1")
    notes = list[str]()
    cluster = ClusterFile(scheduler="slurm", walltime="1h", address="127.0.0.1")
    workers = Workers(cluster, workspace.root, tmp_path / "parsl", notes.append)
    with (
        workers,
        pytest.raises(StoichloopError, match=r"a worker cannot do its work: .*sbatch: error: invalid account"),
    ):
        workers.examine(lambda: None)
    assert notes == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whoever_leaves_while_a_job_waits_leaves_no_job_behind_and_has_passed_on_no_key(
    how: signal.Signals,
    tmp_path: Path,
    workspace: Workspace,
    slurm: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not for you")
    told = tmp_path / "told"
    slurm("sbatch", f"env > {told}.env; echo 'Submitted batch job 7'; echo submitted >> {told}")
    slurm("sacct", "exit 1")
    slurm("squeue", "echo '7 PD'")
    slurm("scancel", f"echo cancelled $* >> {told}")
    (tmp_path / "cluster.yaml").write_text("scheduler: slurm\nwalltime: 1h\naddress: 127.0.0.1\n")
    explore = command_line("explore", "pde_m1_tiny", "--executor", "parsl", "--cluster", str(tmp_path / "cluster.yaml"))
    controller = subprocess.Popen(
        explore, cwd=workspace.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not told.exists() and controller.poll() is None:
        time.sleep(0.05)
    controller.send_signal(how)
    said = controller.communicate(timeout=60.0)[0]
    assert controller.returncode == (130 if how == signal.SIGINT else -how), said
    assert left_behind(tmp_path) == []
    assert told.read_text() == "submitted\ncancelled 7\n"
    assert "not for you" not in (tmp_path / "told.env").read_text()

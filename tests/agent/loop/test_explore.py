"""The loop as a user runs it: real processes, real git, real trials, whose training is done at once."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.analyzer.judging.seeds import BASELINE_SEEDS
from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from memory.records import Experiment
from tests.conftest import Command, command_line

pytestmark = pytest.mark.usefixtures("quick")

REGIME = "pde_m1_tiny"
EXPLORE = ["explore", REGIME, "--campaign", "night", "--budget", "5m", "--experiments", "3", "--workers", "2"]
EXPLORE += ["--fidelity", "probe"]


class Controller:
    """A `stoichloop explore` in the background."""

    def __init__(self, workspace: Workspace) -> None:
        self.ledger_path = workspace.runs / "night" / "memory.db"
        self.process = subprocess.Popen(
            command_line(*EXPLORE), cwd=workspace.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def wait_until(self, condition: Callable[[Ledger], Any]) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.ledger_path.exists():
                with Ledger(self.ledger_path, readonly=True) as ledger:
                    if condition(ledger):
                        return
            time.sleep(0.05)
        self.process.kill()
        pytest.fail(f"the loop did not get there: {self.process.communicate()[0]}")

    def end(self, signal_number: int) -> str:
        self.process.send_signal(signal_number)
        return self.process.communicate(timeout=30)[0]


def lengthen(workspace: Workspace, lasts_s: float) -> None:
    """Let each trial last longer, so that it can be caught while it runs."""
    edit_training(workspace, "_LASTS_S = 0.0", f"_LASTS_S = {lasts_s}")


def edit_training(workspace: Workspace, old: str, new: str) -> None:
    training = workspace.root / "gnn" / "train.py"
    text = training.read_text()
    assert old in text
    training.write_text(text.replace(old, new))
    workspace.repo.git.commit("--all", "-m", "an edit")


def read(workspace: Workspace) -> list[Experiment]:
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        return ledger.experiments()


def leftovers(workspace: Workspace) -> list[str]:
    """Return processes that work for this workspace, and checkouts other than the user's own."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(workspace.root) in word for word in words) and process.pid != os.getpid():
            found.append(" ".join(words))
    found += str(workspace.repo.git.worktree("list")).splitlines()[1:]
    return found + [str(path) for path in workspace.runs.glob("*/worktrees")]


def check_campaign(workspace: Workspace) -> None:
    """Assert all that holds for a finished campaign, however it ended."""
    experiments = read(workspace)
    assert [e.id for e in experiments] == ["e0001", "e0002", "e0003", "e0004"]
    assert all(e.verdict is not None for e in experiments)
    assert len({e.fingerprint for e in experiments}) == len(experiments)
    assert set(experiments[0].scores("probe")) >= set(BASELINE_SEEDS)
    for e in experiments:
        assert len({trial.trial for trial in e.trials}) == len(e.trials)
        for trial in e.trials:
            folder = workspace.runs / "night" / trial.folder
            assert (folder / "estimate.npz").exists() == (trial.status == "completed")
    branches = {head.name for head in workspace.repo.heads}
    assert branches == {"main", *(f"exp/night/{e.id}" for e in experiments[1:] if e.accepted)}
    kept = workspace.repo.git.for_each_ref("--format=%(refname) %(objectname)", "refs/experiments").splitlines()
    assert kept == [f"refs/experiments/night/{e.id} {e.landed}" for e in experiments[1:]]
    assert leftovers(workspace) == []


def test_a_campaign_runs_reads_well_and_is_not_repeated(stoichloop: Command, workspace: Workspace) -> None:
    (workspace.root / "notes.txt").write_text("edited while the loop runs\n")
    before = workspace.repo.git.status("--porcelain")
    told = stoichloop(*EXPLORE).stdout
    check_campaign(workspace)
    assert workspace.repo.git.status("--porcelain") == before
    folder = workspace.runs / "night"
    for name in ("memory.md", "log.md"):
        assert str(folder / name) in told
        assert "e0004" in (folder / name).read_text()

    assert json.loads(stoichloop("log", "night", "--json").stdout)["experiments"][3]["id"] == "e0004"
    status = json.loads(stoichloop("status", "night", "--json").stdout)
    assert (status["running"], status["experiments"], status["experiments_judged"]) == (False, 4, 3)
    # How it ended is said by everything that is read in the morning, with the command that goes on.
    ended, resume = "stopped: 3 of 3 experiments used", shlex.join(["stoichloop", *EXPLORE])
    assert (status["state"], sorted(shlex.split(status["next_commands"][0]))) == (ended, sorted(shlex.split(resume)))
    assert told.strip().splitlines()[-3] == ended
    assert stoichloop("status").stdout.startswith(f"{ended}\n")
    for name in ("memory.md", "log.md"):
        assert ended in (folder / name).read_text().splitlines()[2]
    page = (folder / "report.html").read_text()
    assert "Stopped: 3 of 3 experiments used" in page
    assert "Running" not in page
    assert status["incumbent"]["experiment"] in {e.id for e in read(workspace)}
    assert "leaderboard" in status
    assert "e0003" in stoichloop("status").stdout
    assert stoichloop("log", "night").stdout.strip() == (folder / "log.md").read_text().strip()
    assert "controller started" in stoichloop("log", "--search", "CONTROLLER").stdout
    shown = stoichloop("show", "e0002").stdout
    assert "hypothesis" in shown
    assert "configuration.json" in shown
    assert json.loads(stoichloop("show", "e0002", "--json").stdout)["id"] == "e0002"
    assert "it has e0001 to e0004" in stoichloop("show", "e9999", check=False).stderr

    # The same command grants as much again and goes on after the last experiment.
    assert "resuming campaign night" in stoichloop(*EXPLORE).stdout
    experiments = read(workspace)
    assert [e.id for e in experiments[-3:]] == ["e0005", "e0006", "e0007"]
    assert len({e.fingerprint for e in experiments}) == 7


def test_after_kill_9_in_mid_block_nothing_is_lost_and_nothing_run_twice(
    stoichloop: Command, workspace: Workspace
) -> None:
    lengthen(workspace, 3.0)  # so that the idea comes in time
    controller = Controller(workspace)
    controller.wait_until(lambda ledger: ledger.running())
    said = stoichloop("idea", "night", "a faster S recovers more", "--set", "lr_S=0.0234").stdout
    assert "the controller takes it up now" in said
    controller.wait_until(lambda ledger: len(ledger.blocks()) >= 2 and ledger.running())
    controller.end(signal.SIGKILL)
    assert stoichloop("status").stdout.startswith("killed: last heard at ")
    before = read(workspace)
    stoichloop(*EXPLORE)
    after = {e.id: e for e in read(workspace)}
    for e in before:
        assert (after[e.id].hypothesis, after[e.id].fingerprint) == (e.hypothesis, e.fingerprint)
        assert after[e.id].trials[: len(e.trials)] == e.trials
    check_campaign(workspace)
    # The user's idea is tried once, and the verdict says whose it was.
    (idea,) = (e for e in after.values() if e.planner == "user")
    others = [e for e in list(after.values())[1:] if e is not idea]
    assert (idea.title, idea.configuration["lr_S"]) == ("a faster S recovers more", 0.0234)
    assert idea.verdict is not None
    assert idea.author in idea.verdict.reason
    assert {e.author for e in others} == {""}
    assert "interrupted trials" in stoichloop("log", "night").stdout


@pytest.mark.long
def test_a_trial_that_somebody_kills_is_tried_once_more(stoichloop: Command, workspace: Workspace) -> None:
    lengthen(workspace, 1.0)
    controller = Controller(workspace)
    controller.wait_until(lambda ledger: ledger.running())
    with Ledger(controller.ledger_path, readonly=True) as ledger:
        victim = ledger.running()[0]
    os.kill(victim.pid, signal.SIGKILL)
    told = controller.process.communicate(timeout=120)[0]
    assert controller.process.returncode == 0, told
    check_campaign(workspace)
    baseline = {trial.trial: trial for trial in read(workspace)[0].trials}
    assert baseline[victim.trial].status == "completed"
    assert "will be tried once more" in stoichloop("log", "night").stdout


def test_ctrl_c_ends_cleanly_after_saving(stoichloop: Command, workspace: Workspace) -> None:
    controller = Controller(workspace)
    controller.wait_until(lambda ledger: ledger.experiments() and ledger.experiments()[0].trials)
    told = controller.end(signal.SIGINT)
    assert controller.process.returncode == 130
    assert "stopped: interrupted by Ctrl-C" in told
    assert leftovers(workspace) == []
    assert (workspace.runs / "night" / "memory.md").exists()
    stoichloop(*EXPLORE)
    check_campaign(workspace)


def test_others_may_look_but_not_lead_while_it_runs(stoichloop: Command, workspace: Workspace) -> None:
    lengthen(workspace, 30.0)
    controller = Controller(workspace)
    controller.wait_until(lambda ledger: ledger.running())
    status = json.loads(stoichloop("status", "--json").stdout)
    assert status["running"]
    assert status["now"]
    second = stoichloop(*EXPLORE, check=False)
    assert second.returncode == 1
    assert "already run by another controller" in second.stderr
    assert "e0001" in stoichloop("log").stdout
    controller.end(signal.SIGTERM)
    assert controller.process.returncode == 130
    assert leftovers(workspace) == []
    assert "stopped: interrupted by SIGTERM" in stoichloop("status").stdout


@pytest.mark.long
def test_the_budget_of_time_is_kept(stoichloop: Command, workspace: Workspace) -> None:
    started = time.monotonic()
    told = stoichloop("explore", REGIME, "--campaign", "night", "--budget", "10s", "--fidelity", "probe").stdout
    assert time.monotonic() - started < 90  # a busy machine takes most of it to start
    assert re.search(r"^stopped: (10 s of 10 s used|\d+ s of 10 s left, too little for another trial)$", told, re.M)
    assert leftovers(workspace) == []
    # Whatever rest the first run left, the same command goes on.
    before = len([trial for e in read(workspace) for trial in e.trials])
    stoichloop("explore", REGIME, "--campaign", "night", "--budget", "10s", "--fidelity", "probe")
    assert len([trial for e in read(workspace) for trial in e.trials]) > before


def test_a_baseline_that_does_not_train_is_said_at_once(stoichloop: Command, workspace: Workspace) -> None:
    edit_training(workspace, 'models = ["trained"]', "models = [print('the loss became infinite')]")
    done = stoichloop(*EXPLORE, check=False)
    assert done.returncode == 1
    assert "the baseline does not train" in done.stderr
    assert "the loss became" in done.stderr
    assert stoichloop("status").stdout.startswith("crashed: the baseline does not train")
    assert leftovers(workspace) == []


def test_data_taken_away_before_a_resume_are_missed(stoichloop: Command, workspace: Workspace, tmp_path: Path) -> None:
    lengthen(workspace, 30.0)
    controller = Controller(workspace)
    controller.wait_until(lambda ledger: ledger.running())
    controller.end(signal.SIGINT)
    (workspace.data / REGIME / "observations.npz").rename(tmp_path / "gone.npz")
    done = stoichloop(*EXPLORE, check=False)
    assert done.returncode == 1
    assert "observations.npz: the file is missing" in done.stderr

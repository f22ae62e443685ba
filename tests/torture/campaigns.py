"""A campaign that something happens to, compared with the same campaign left in peace."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from memory.records import Experiment
from tests.conftest import command_line

REGIME = "pde_m1_tiny"
_PATIENCE_S = 900.0


Course = dict[str, dict[str, Any]]


@dataclass
class Night:
    """A campaign by the name of night in a clone of its own; `arguments` say what is asked of it, `place` where."""

    workspace: Workspace
    arguments: tuple[str, ...]
    place: tuple[str, ...] = ("--workers", "2")
    environment: dict[str, str] = field(default_factory=dict)
    life: subprocess.Popen[str] | None = None
    seen: list[Experiment] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.workspace.runs / "night"

    def start(self, program: str | None = None) -> None:
        """Start the controller; `program` is what Python runs in place of the command."""
        words = ["explore", REGIME, "--campaign", "night", "--fidelity", "probe", *self.place, *self.arguments]
        command = command_line(*words)
        if program is not None:
            command[2] = program
        self.life = subprocess.Popen(
            command,
            cwd=self.workspace.root,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def end(self) -> tuple[int, str]:
        """Wait for the controller to end by itself; its exit status, and what it said."""
        assert self.life is not None
        said = self.life.communicate(timeout=_PATIENCE_S)[0]
        return self.life.returncode, said

    def kill(self, after_s: float) -> bool:
        """kill -9 the controller after some seconds; false if it had done all by then."""
        assert self.life is not None
        try:
            self.life.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            self.life.send_signal(signal.SIGKILL)
            self.life.communicate()
            return not self._has_ended()
        assert self.life.returncode == 0
        return False

    def _has_ended(self) -> bool:
        if not self.experiments():
            return False
        with Ledger(self.folder / "memory.db", readonly=True) as ledger:
            return (ending := ledger.ending()) is not None and ending.is_orderly

    def wait_until(self, condition: Callable[[Ledger], Any]) -> Any:
        """Wait for something in the ledger while the controller runs; returns it."""
        assert self.life is not None
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline and self.life.poll() is None:
            if (self.folder / "memory.db").is_file():
                with Ledger(self.folder / "memory.db", readonly=True) as ledger:
                    if found := condition(ledger):
                        return found
            time.sleep(0.05)
        self.life.kill()
        pytest.fail(f"the loop did not get there: {self.life.communicate()[0]}")

    def experiments(self) -> list[Experiment]:
        if not (self.folder / "memory.db").is_file():
            return []
        with Ledger(self.folder / "memory.db", readonly=True) as ledger:
            ledger.check()
            return ledger.experiments()

    def look(self) -> None:
        """Assert that nothing has left the ledger and nothing is in it twice."""
        now = {e.id: e for e in self.experiments()}
        for e in self.seen:
            assert now[e.id].fingerprint == e.fingerprint
            assert now[e.id].trials[: len(e.trials)] == e.trials
            assert e.verdict in (None, now[e.id].verdict)
        self.seen = list(now.values())
        trials = [trial.trial for e in self.seen for trial in e.trials]
        assert len(set(trials)) == len(trials)

    def processes(self) -> list[str]:
        """Command lines of what works for this campaign."""
        lines = (p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"]) if p.pid != os.getpid())
        return [" ".join(words) for words in lines if any(str(self.workspace.root) in word for word in words)]

    def is_quiet(self) -> bool:
        """Return whether all its processes end within a moment."""
        deadline = time.monotonic() + 5.0
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not self.processes()

    def course(self) -> Course:
        """Return what the ledger says of each experiment, by the fingerprint of its code and configuration."""
        return {
            e.fingerprint: {
                "headline": e.headline,
                "configuration": e.configuration,
                "trials": {(t.seed, t.fidelity, t.sibling): (t.status, t.reason, t.scores) for t in e.all_trials},
            }
            for e in self.experiments()
        }

    def go_on(self, expected: Course) -> None:
        """Run the same command again, to the end that it would have had."""
        self.start()
        status, said = self.end()
        assert status == 0, said
        self.check_end(expected)

    def check_end(self, expected: Course) -> None:
        """It came to an end like the one left in peace, and left nothing behind."""
        check_alike(self.course(), expected)
        assert all(e.verdict is not None for e in self.experiments())
        assert self.is_quiet()
        repo = self.workspace.repo
        assert len(str(repo.git.worktree("list")).splitlines()) == 1
        assert not (self.folder / "worktrees").exists()
        judged = [e for e in self.experiments() if e.parent is not None and e.landed]
        kept = str(repo.git.for_each_ref("--format=%(refname) %(objectname)", "refs/experiments")).splitlines()
        assert kept == [f"refs/experiments/night/{e.id} {e.landed}" for e in judged]
        assert {head.name for head in repo.heads} >= {f"exp/night/{e.id}" for e in judged if e.accepted}
        for e in self.experiments():
            assert all((self.folder / t.folder / "estimate.npz").is_file() for t in e.trials if t.status == "completed")


def check_alike(ours: Course, theirs: Course) -> None:
    """Assert as many experiments, and that what both have tried is the same, with the same result.

    A slot takes what is most useful when it falls free. So the order of trials, and what sweeps draw from them, are not
    the same where a trial took longer.
    """
    assert len(ours) == len(theirs)
    both = ours.keys() & theirs.keys()
    assert len(both) >= 2, "the baseline alone was tried by both"
    for fingerprint in both:
        mine, other = ours[fingerprint], theirs[fingerprint]
        common = mine["trials"].keys() & other["trials"].keys()
        assert common
        for name in common:
            assert mine["trials"][name] == other["trials"][name], (mine["headline"], name)
        assert (mine["headline"], mine["configuration"]) == (other["headline"], other["configuration"])


def trials_of(night: Night) -> Iterator[tuple[list[str], psutil.Process]]:
    """Yield the trial processes of a campaign at this moment, with their command lines."""
    assert night.life is not None
    with suppress(psutil.Error):
        for child in psutil.Process(night.life.pid).children():
            with suppress(psutil.Error):  # it has just ended
                if "gnn.train" in (words := child.cmdline()):
                    yield words, child

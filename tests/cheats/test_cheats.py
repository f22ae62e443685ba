"""Every patch of the corpus goes through the loop as a planner's would; none may get what it wants."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.executor.sandbox.limits import Limits
from agent.executor.workspace import Workspace
from agent.planner.contract import Planner, Rung, Situation
from agent.planner.proposal import Edit, Proposal
from memory.ledger import Ledger
from memory.records import Experiment
from simulator.dataset import Dataset
from tests.cheats.corpus import CORPUS, LOOT, Cheat
from tests.conftest import ROOT, lead, needs_sandbox

KEY = "sk-that-only-the-controller-has"


@dataclass(frozen=True)
class Cheater:
    """A planner whose next proposals are the next cheats; `known` is what the test knows and they do not."""

    known: dict[str, str]
    name: str = "cheater"
    rungs: tuple[Rung, ...] = ("sweep", "code")

    def propose(self, situation: Situation) -> list[Proposal]:
        if situation.rung == "sweep":
            return []
        tried = len(situation.past) - 1
        _, parent = situation.roles[0]
        return [self._proposal(cheat, parent) for cheat in CORPUS[tried : tried + len(situation.roles)]]

    def _proposal(self, cheat: Cheat, parent: Experiment) -> Proposal:
        edits = tuple(Edit(file=e.file, search=e.search, replace=self._filled(e.replace)) for e in cheat.edits)
        return Proposal(hypothesis=cheat.name, parent=parent.id, edits=edits, diff=cheat.diff)

    def _filled(self, text: str) -> str:
        for word, value in self.known.items():
            text = text.replace(f"@{word}@", value)
        return text


@pytest.fixture
def known(workspace: Workspace) -> Iterator[dict[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "root": str(workspace.root),
            "truth": str(workspace.data / "pde_m1_tiny" / "sealed" / "truth.npz"),
            "home": str(ROOT),
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "sleep": f"600.{time.time_ns()}",
            "port": str(server.getsockname()[1]),
            "key": KEY,
            "controller": str(os.getpid()),
        }


@needs_sandbox
def test_no_cheat_gets_what_it_wants(
    workspace: Workspace, tiny: Dataset, known: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(known["truth"]).is_file()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("agent.loop.hosts._LIMIT_FLOOR_S", 10.0)
    monkeypatch.setattr("agent.loop.hosts._LIMIT_FACTOR", 2.0)
    monkeypatch.setattr("agent.executor.local.fair_share", lambda _: Limits(memory=4 * 2**30))
    cheater: Planner = Cheater(known)
    monkeypatch.setattr("agent.loop.explore.create_planner", lambda *_: cheater)
    lead(workspace, tiny, cheater.name, len(CORPUS))
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        _, *experiments = ledger.experiments()
    for trial in (trial for e in experiments for trial in e.trials):
        assert trial.truth == tiny.manifest.files["sealed/truth.npz"]
        assert trial.dataset == tiny.manifest.fingerprint()
        assert trial.analyzer
    assert [e.hypothesis for e in experiments] == [cheat.name for cheat in CORPUS]
    assert {
        cheat.name: came for cheat, e in zip(CORPUS, experiments, strict=True) if (came := _what_came(cheat, e))
    } == {}
    for printed in workspace.runs.rglob("stdout.txt"):
        assert f"\n{LOOT}" not in f"\n{printed.read_text()}"  # a traceback may quote the attempt
    assert _left_behind(known) == []
    assert workspace.repo.git.status("--porcelain") == ""
    assert not list((workspace.root / ".git" / "hooks").glob("post-checkout"))


def _left_behind(known: dict[str, str]) -> list[list[str]]:
    """Command lines of what still runs, other than this test, for this campaign; others may run beside it."""
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return [words for words in lines if any(known["root"] in word or word == known["sleep"] for word in words)]


def _what_came(cheat: Cheat, experiment: Experiment) -> Any:
    """Return what is wrong with the result of a cheat; None if verdict and reason are right."""
    verdict = experiment.verdict
    assert verdict is not None
    right = verdict.verdict == cheat.verdict and cheat.words in verdict.reason and LOOT not in verdict.reason
    return None if right else (verdict.verdict, verdict.reason)

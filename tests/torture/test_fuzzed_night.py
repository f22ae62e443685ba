"""A night in which every tenth proposal is drawn from what no planner should answer."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.executor.workspace import Workspace
from tests.conftest import train_quickly
from tests.torture import fuzzed_answers
from tests.torture.campaigns import Night
from tests.torture.conftest import FIGURES

pytestmark = pytest.mark.torture

EXPERIMENTS = 500
_PATIENCE_S = 14400.0


def with_something_to_gain(workspace: Workspace) -> None:
    """Let signs come right where S is trained fast, so that proposals are accepted and others stand on them."""
    training = workspace.root / "gnn" / "train.py"
    text = training.read_text()
    assert text.count("configuration == Configuration()") == 1
    training.write_text(text.replace("configuration == Configuration()", "configuration.lr_S > 0.01"))
    workspace.repo.git.commit("--all", "--message=a training that can be improved")


def test_a_night_of_fuzzed_proposals_runs_to_its_end(night_of: Callable[..., Night], tmp_path: Path) -> None:
    counter = tmp_path / "calls"
    program = f"{sys.executable} {fuzzed_answers.__file__} {counter}"
    night = night_of("--planner", "command", "--program", program, "--experiments", str(EXPERIMENTS), "--budget", "8h")
    with_something_to_gain(train_quickly(night.workspace))
    night.start()
    assert night.life is not None
    said = night.life.communicate(timeout=_PATIENCE_S)[0]
    assert night.life.returncode == 0, said[-4000:]
    experiments = night.experiments()
    assert len(experiments) == 1 + EXPERIMENTS
    assert all(e.verdict is not None for e in experiments)
    assert any(e.accepted for e in experiments[1:])
    assert night.is_quiet()
    assert len(str(night.workspace.repo.git.worktree("list")).splitlines()) == 1
    log = (night.folder / "log.md").read_text()
    assert "Traceback" not in said + re.sub(r"(?s)```.*?```", "", log)
    assert re.findall(r"^### (e\d+)", log, re.MULTILINE) == [e.id for e in experiments], "a forged heading"
    assert (night.folder / "report.html").is_file()
    FIGURES.update(Counter(f"fuzzed night: {e.verdict.verdict}" for e in experiments if e.verdict))
    FIGURES["fuzzed night: fuzzed answers"] = counter.read_text().splitlines().count("odd")

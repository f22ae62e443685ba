import json
from pathlib import Path

import pytest

from agent.executor.workspace import Workspace
from benchmarks.turns import TurnsReport, turns
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.benchmarks.conftest import commit


@pytest.fixture
def here(clone: Workspace, tiny: Dataset, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(clone.root)
    monkeypatch.setattr("benchmarks.turns.dataset_of", lambda workspace, name: tiny)
    monkeypatch.setattr("benchmarks.turns._STEPS", (2, 60))
    return clone


@pytest.mark.long
def test_both_commits_are_timed_in_every_round(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    turns("HEAD~0", rounds=2, processes=1)
    report = TurnsReport(**json.loads(capsys.readouterr().out))
    assert {name: len(rates.values) for name, rates in report.frames_a_second.items()} == {"HEAD": 2, "HEAD~0": 2}
    assert len(report.ratio.values) == 2
    assert len(here.repo.git.worktree("list").splitlines()) == 1


def test_a_commit_that_cannot_train_is_named(here: Workspace) -> None:
    (Path(here.root) / "gnn" / "train.py").write_text("raise SystemExit(7)\n")
    commit(here)
    with pytest.raises(StoichloopError, match=r"gnn\.train of HEAD does not train .*: exit status 7"):
        turns("HEAD~1", rounds=1, processes=1)
    assert len(here.repo.git.worktree("list").splitlines()) == 1

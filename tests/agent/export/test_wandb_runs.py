"""Runs for Weights & Biases, told to a stand-in at the border: the package itself is not installed for tests."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.executor.workspace import Workspace
from agent.export.track_targets import check_targets
from agent.export.wandb_runs import track_wandb
from memory.records import Verdict
from simulator.dataset import Dataset
from stoichloop.campaign_interface import Campaign
from stoichloop.errors import StoichloopError, UsageError
from tests.agent.winners.nights import Night


@pytest.fixture
def wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the stand-in writes down its runs."""
    (tmp_path / "packages").mkdir()
    shutil.copy(Path(__file__).with_name("wandb_stand_in.py"), tmp_path / "packages" / "wandb.py")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("WANDB_STAND_IN", str(tmp_path / "runs.jsonl"))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    return tmp_path / "runs.jsonl"


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_verdict_is_told_once_also_after_a_resume(workspace: Workspace, tiny: Dataset, wandb: Path) -> None:
    night = Night(workspace, tiny)
    night.accept("e0001", {0: 0.5, 1: 0.7}, title="a faster S", changes={"lr_S": 0.02})
    night.propose("e0001", changes={"lr_S": 0.03})  # open: there is nothing to tell yet
    assert (track_wandb(night.campaign, "labs/nights").added, track_wandb(night.campaign, "labs/nights").added) == (
        2,
        0,
    )
    night.accept("e0001", {}, Verdict("failed", "crashed"), changes={"lr_S": 0.04})
    assert track_wandb(night.campaign, "labs/nights").added == 1
    baseline, faster, failed = told(wandb)
    assert (faster["entity"], faster["project"], faster["name"]) == ("labs", "nights", "e0002 a faster S")
    assert faster["group"] == baseline["group"]
    assert faster["group"].startswith("night, begun ")
    assert (faster["tags"], faster["exit_code"]) == (["accepted"], 0)
    assert faster["config"]["configuration"]["lr_S"] == 0.02
    assert faster["summary"]["exact"] == pytest.approx(0.6)
    assert faster["summary"].items() >= {"seeds": 2, "effect": 0.1, "effect_low": 0.05, "p_value": 0.001}.items()
    assert (failed["config"]["experiment"], failed["tags"], failed["exit_code"]) == ("e0004", ["failed"], 1)
    assert len({run["id"] for run in told(wandb)}) == 3
    night.close()


def test_a_service_that_refuses_is_told_the_rest_later(workspace: Workspace, tiny: Dataset, wandb: Path) -> None:
    night = Night(workspace, tiny)
    (wandb.parent / "refuse").touch()
    with pytest.raises(StoichloopError, match=r"api_key not .* 'stoichloop export night --wandb nights' adds what is"):
        track_wandb(night.campaign, "nights")
    (wandb.parent / "refuse").unlink()
    assert Campaign(night.campaign.settings.name, workspace).to_wandb("nights").added == 1
    night.close()


def test_a_target_that_cannot_be_told_is_refused_before_the_night(monkeypatch: pytest.MonkeyPatch) -> None:
    for target in ("mlflow", "wandb:", "sqlite:///mlflow.db"):
        with pytest.raises(UsageError, match=r"--track '.*' must be mlflow:URI or wandb:PROJECT"):
            check_targets([target])
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(StoichloopError, match="package wandb is missing; run 'make extra NAME=wandb'"):
        check_targets(["wandb:nights"])

"""The process that tells trackers while a campaign runs; W&B is the stand-in of `tests/agent/export`."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from agent.executor.workspace import Workspace
from agent.loop.tracking_process import TrackingProcess
from simulator.dataset import Dataset
from tests.agent.winners.nights import Night
from tests.conftest import ROOT


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which W&B's stand-in writes down its runs, also in other processes."""
    (tmp_path / "packages").mkdir()
    shutil.copy(ROOT / "tests/agent/export/wandb_stand_in.py", tmp_path / "packages" / "wandb.py")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'packages'}{os.pathsep}{ROOT}")
    monkeypatch.setenv("WANDB_STAND_IN", str(tmp_path / "runs.jsonl"))
    return tmp_path / "runs.jsonl"


def test_verdicts_are_told_while_the_campaign_runs_and_at_its_end(
    workspace: Workspace, tiny: Dataset, told: Path
) -> None:
    night, notes = Night(workspace, tiny), list[str]()
    tracking = TrackingProcess(night.campaign, ["wandb:nights", "mlflow:nowhere"], notes.append)
    for _ in range(300):
        tracking.poll(0.1)
        if told.exists() and notes:
            break
    assert len(told.read_text().splitlines()) == 1  # while it runs: the baseline
    night.accept("e0001", {0: 0.5}, changes={"lr_S": 0.02})
    tracking.close()
    names = [json.loads(line)["name"] for line in told.read_text().splitlines()]
    assert names == ["e0001 the base commit as it is", "e0002 better than e0001"]
    assert [note[:49] for note in notes] == ["--track mlflow:nowhere: MLflow at nowhere: must b"]  # once
    night.close()


def test_a_tracker_that_hangs_or_dies_costs_a_note(
    workspace: Workspace, tiny: Dataset, told: Path, tmp_path: Path
) -> None:
    night, notes = Night(workspace, tiny), list[str]()
    module = tmp_path / "packages" / "wandb.py"
    module.write_text("import time\ntime.sleep(60)\n")
    TrackingProcess(night.campaign, [], notes.append).close()
    began = time.monotonic()
    TrackingProcess(night.campaign, ["wandb:nights"], notes.append, ending_s=0.3).close()
    assert time.monotonic() - began < 5
    module.write_text("import os\nos.abort()\n")
    TrackingProcess(night.campaign, ["wandb:nights"], notes.append).close()
    assert notes[0] == "--track took more than 0.3 s to end; 'stoichloop export' adds what is missing"
    assert notes[1].startswith("--track failed and reports no more in this session: ")
    assert len(notes) == 2
    night.close()

import json

import pytest

from agent.executor.workspace import Workspace
from benchmarks.throughput import ThroughputReport, throughput
from simulator.dataset import Dataset


def test_a_campaign_whose_trainings_take_no_time_counts_its_trials(
    workspace: Workspace, tiny: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.root)
    monkeypatch.setattr("benchmarks.throughput.dataset_of", lambda workspace, name: tiny)
    throughput("pde_m1_tiny", seconds=8, fidelity="probe")
    report = ThroughputReport(**json.loads(capsys.readouterr().out))
    assert report.trials > 0
    # A probe is an eighth of a full trial.
    assert report.full_trials_an_hour == pytest.approx(report.trials_an_hour / 8, rel=0.01)
    assert report.milliseconds_a_trial == pytest.approx(1000.0 * report.seconds / report.trials, rel=0.05)

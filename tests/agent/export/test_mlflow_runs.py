"""A real MLflow store, SQLite, written by MLflow's own client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from agent.executor.artifacts import read_curves
from agent.export.mlflow_runs import MlflowRuns, track
from agent.export.tracker import Tracked
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from tests.conftest import Documented

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's own


@pytest.mark.long
def test_what_is_there_is_not_added_again_and_what_was_cut_off_is(documented: Documented, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    campaign, uri = documented.campaign, f"sqlite:///{tmp_path / 'mlflow.db'}"
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record, experiments = ledger.campaign(), ledger.experiments()
    assert record is not None
    trials = {trial.trial: trial for e in experiments for trial in e.trials}
    first, total = track(campaign, uri), len(trials) + len(experiments)
    assert first == Tracked(first.experiment, total, 0, 0)

    client = mlflow.MlflowClient(tracking_uri=uri)
    number = client.get_experiment_by_name(first.experiment).experiment_id
    every = client.search_runs([number])
    runs = {run.data.tags["trial"]: run for run in every if "trial" in run.data.tags}
    groups = {run.info.run_id: run for run in every if "trial" not in run.data.tags}
    assert runs.keys() == trials.keys()
    assert {run.info.run_name.split()[0] for run in groups.values()} == {e.id for e in experiments}
    run, trial = runs["e0001/s1/probe"], trials["e0001/s1/probe"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics.items() >= trial.scores.items()
    assert {"lr_S", "width"} <= run.data.params.keys()
    assert (run.data.tags["verdict"], run.data.tags["parent"]) == ("accepted", "")
    group = groups[run.data.tags["mlflow.parentRunId"]]
    assert (group.data.tags["experiment"], group.info.status) == ("e0001", "FINISHED")
    assert group.data.metrics["exact"] == pytest.approx(fmean(t.scores["exact"] for t in experiments[0].trials))
    curve = client.get_metric_history(run.info.run_id, "loss")
    points = read_curves(campaign.folder / trial.folder)
    assert [(one.step, one.value) for one in curve] == [(point.step, point.loss) for point in points] != []

    # Told by a process that read the ledger before the verdicts were there.
    stale = [replace(e, verdict=None) for e in experiments]
    assert MlflowRuns(campaign, uri).tell(record, stale) == Tracked(first.experiment, 0, 0, total)
    client.set_tag(run.info.run_id, "verdict", "open")  # as before the experiment was judged
    client.update_run(runs["e0001/s2/probe"].info.run_id, status="RUNNING")  # as if cut off before its end
    assert track(campaign, uri) == Tracked(first.experiment, 1, 1, total - 2)
    again = client.search_runs([number])
    assert len(again) == total
    assert {run.data.tags["verdict"] for run in again if run.data.tags["experiment"] == "e0001"} == {"accepted"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mlruns", "must be the address of a server"),
        ("http://127.0.0.1:1", "'stoichloop export night --mlflow http://127.0.0.1:1' adds what is missing"),
    ],
)
def test_a_store_that_is_not_there_is_said_in_a_sentence(
    documented: Documented, monkeypatch: pytest.MonkeyPatch, uri: str, words: str
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StoichloopError, match=words):
        track(documented.campaign, uri)

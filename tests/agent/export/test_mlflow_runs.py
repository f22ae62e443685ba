"""A real MLflow store, SQLite, written by MLflow's own client."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.executor.artifacts import read_curves
from agent.export.mlflow_runs import Tracked, track
from memory.ledger import Ledger
from stoichloop.errors import StoichloopError
from tests.conftest import Documented

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's own


def test_what_is_there_is_not_added_again_and_what_was_cut_off_is(documented: Documented, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    campaign, uri = documented.campaign, f"sqlite:///{tmp_path / 'mlflow.db'}"
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        trials = {trial.trial: trial for e in ledger.experiments() for trial in e.trials}
    first = track(campaign, uri)
    assert first == Tracked(first.experiment, len(trials), 0, 0)

    client = mlflow.MlflowClient(tracking_uri=uri)
    number = client.get_experiment_by_name(first.experiment).experiment_id
    runs = {run.data.tags["trial"]: run for run in client.search_runs([number])}
    assert runs.keys() == trials.keys()
    run, trial = runs["e0001/s1/probe"], trials["e0001/s1/probe"]
    assert run.info.status == "FINISHED"
    assert run.data.metrics.items() >= trial.scores.items()
    assert {"lr_S", "width"} <= run.data.params.keys()
    assert (run.data.tags["verdict"], run.data.tags["parent"]) == ("accepted", "")
    curve = client.get_metric_history(run.info.run_id, "loss")
    points = read_curves(campaign.folder / trial.folder)
    assert [(one.step, one.value) for one in curve] == [(point.step, point.loss) for point in points] != []

    client.set_tag(run.info.run_id, "verdict", "open")  # as before the experiment was judged
    client.update_run(runs["e0001/s2/probe"].info.run_id, status="RUNNING")  # as if cut off before its end
    assert track(campaign, uri) == Tracked(first.experiment, 1, 1, len(trials) - 2)
    again = client.search_runs([number])
    assert len(again) == len(trials)
    assert {run.data.tags["verdict"] for run in again if run.data.tags["experiment"] == "e0001"} == {"accepted"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mlruns", "must be the address of a server"),
        ("http://127.0.0.1:1", "rerun the command, which adds the missing runs"),
    ],
)
def test_a_store_that_is_not_there_is_said_in_a_sentence(
    documented: Documented, monkeypatch: pytest.MonkeyPatch, uri: str, words: str
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StoichloopError, match=words):
        track(documented.campaign, uri)

"""Export to MLflow: one MLflow experiment per campaign, one run per finished trial.

tags      trial, campaign, experiment, parent, title, hypothesis, planner, verdict, commit, seed, fidelity, status
params    the whole configuration
metrics   every score, seconds, and loss and loss_pred by step
Existing runs are kept; verdicts that are new since the last export are added to them.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import read_curves
from memory.formatting import moment
from memory.ledger import Ledger
from memory.records import CampaignRecord, Experiment, TrialResult
from stoichloop.errors import StoichloopError
from stoichloop.extras import how_to_install
from stoichloop.foreign_text import shorten, visible

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

_PARAMS_AT_ONCE, _METRICS_AT_ONCE, _RUNS_AT_ONCE = 100, 1000, 1000  # what MLflow takes in one request
# Defaults for variables that the user has not set: no telemetry, few retries of an unreachable server.
_WISHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_WORDS = 240  # characters kept of an MLflow error, which can be paragraphs long
_VALUE = 500  # characters of a parameter, which every version of MLflow takes
T = TypeVar("T")


@dataclass(frozen=True)
class Tracked:
    """Result of an export: the MLflow experiment, and the numbers of runs added, updated and unchanged."""

    experiment: str
    added: int
    updated: int
    unchanged: int


def track(campaign: CampaignFolder, uri: str) -> Tracked:
    """Add a campaign's new trials to MLflow at `uri`, a server or `sqlite:///FILE`; raise `StoichloopError`."""
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record, experiments = ledger.campaign(), ledger.experiments()
    assert record is not None
    with _mlflow(uri) as client:
        # The start time distinguishes campaigns of the same name.
        name = f"{record.name}, begun {moment(record.created_at)}"
        number, known = _experiment(client, name, record)
        added = updated = 0
        for experiment in experiments:
            for trial in experiment.trials:
                tags = _tags(record.name, experiment, trial)
                run = known.get(trial.trial)
                if run is None or run.info.status == "RUNNING":
                    if run is not None:  # an earlier export was interrupted in this run
                        client.delete_run(run.info.run_id)
                    _add(client, number, campaign, experiment, trial, tags)
                    added += 1
                elif news := {key: value for key, value in tags.items() if run.data.tags.get(key) != value}:
                    for key, value in news.items():
                        client.set_tag(run.info.run_id, key, value)
                    updated += 1
    total = sum(len(experiment.trials) for experiment in experiments)
    return Tracked(name, added, updated, total - added - updated)


@contextmanager
def _mlflow(uri: str) -> Iterator[MlflowClient]:
    if "://" not in uri:
        raise StoichloopError(f"--mlflow {uri}: must be the address of a server, http://HOST:PORT, or sqlite:///FILE")
    for name, value in _WISHES.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise StoichloopError(f"--mlflow {uri}: MLflow's client is missing; {how_to_install('mlflow')}") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield MlflowClient(tracking_uri=uri)
    except StoichloopError:
        raise
    # MLflow's stores pass on exceptions of their databases, so they have no common base.
    except Exception as error:
        words = shorten(str(error) or type(error).__name__, _WORDS).rstrip(".")
        raise StoichloopError(
            f"--mlflow {uri}: {words}; fix this and rerun the command, which adds the missing runs"
        ) from error


def _experiment(client: MlflowClient, name: str, record: CampaignRecord) -> tuple[str, dict[str, Run]]:
    """Return the id of the MLflow experiment, created if absent, and its runs by trial."""
    found = client.get_experiment_by_name(name)
    if found is None:
        tags = {"campaign": record.name, "regime": record.regime, "dataset": record.dataset}
        return client.create_experiment(name, tags=tags | {"base_commit": record.base_commit}), {}
    if found.lifecycle_stage != "active":
        raise StoichloopError(f"--mlflow: the experiment '{name}' was deleted there; restore it or delete it for good")
    known: dict[str, Run] = {}
    token: str | None = None
    while token is None or token:
        page = client.search_runs([found.experiment_id], max_results=_RUNS_AT_ONCE, page_token=token)
        known |= {run.data.tags["trial"]: run for run in page if "trial" in run.data.tags}
        token = page.token or ""
    return found.experiment_id, known


def _add(
    client: MlflowClient,
    number: str,
    campaign: CampaignFolder,
    experiment: Experiment,
    trial: TrialResult,
    tags: dict[str, str],
) -> None:
    """Add a run; its status is `RUNNING` until it is complete."""
    from mlflow.entities import Param

    ended = round(trial.finished_at * 1000)
    run = client.create_run(
        number, start_time=ended - round(trial.seconds * 1000), tags=tags, run_name=trial.trial
    ).info.run_id
    params = [Param(key, shorten(str(value), _VALUE)) for key, value in experiment.configuration.items()]
    for part in _parts(params, _PARAMS_AT_ONCE):
        client.log_batch(run, params=part)
    for metrics in _parts(_metrics(campaign, trial, ended), _METRICS_AT_ONCE):
        client.log_batch(run, metrics=metrics)
    client.set_terminated(run, "FINISHED" if trial.status in ("completed", "diagnosed") else "FAILED", end_time=ended)


def _metrics(campaign: CampaignFolder, trial: TrialResult, ended: int) -> list[Metric]:
    from mlflow.entities import Metric

    points = read_curves(campaign.folder / trial.folder)
    last = points[-1].step if points else 0
    metrics = [Metric(name, value, ended, last) for name, value in {**trial.scores, "seconds": trial.seconds}.items()]
    for point in points:
        values = {"loss": point.loss, "loss_pred": point.loss_pred}
        metrics += [Metric(name, value, ended, point.step) for name, value in values.items() if math.isfinite(value)]
    return metrics


def _tags(campaign: str, e: Experiment, trial: TrialResult) -> dict[str, str]:
    tags: dict[str, Any] = {
        "trial": trial.trial,
        "campaign": campaign,
        "experiment": e.id,
        "parent": e.parent or "",
        "title": e.headline,
        "hypothesis": e.hypothesis,
        "planner": e.planner,
        "verdict": e.verdict.verdict if e.verdict else "open",
        "commit": e.landed or e.commit or "",
        "seed": trial.seed,
        "fidelity": trial.fidelity,
        "status": trial.status,
    }
    return {key: visible(str(value)) for key, value in tags.items()}


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))

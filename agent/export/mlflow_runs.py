"""Export to MLflow: an MLflow experiment for a campaign, a run for each of its experiments, in it one for each trial.

tags      trial, campaign, experiment, parent, title, hypothesis, planner, author, verdict, reason, commit, seed,
          fidelity, status
params    the whole configuration
metrics   of a trial: every score, seconds, and loss and loss_pred by step; of an experiment: means, and the verdict's
Existing runs are kept; trials and verdicts that are new since the last export are added.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from agent.campaign.folder import CampaignFolder
from agent.executor.artifacts import read_curves
from agent.export.tracker import Tracked, completed, facts_of, group_name, metrics_of, run_name
from memory.ledger import Ledger
from memory.records import CampaignRecord, Experiment, TrialResult
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.extras import how_to_install
from stoichloop.foreign_text import shorten

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

__all__ = ["MlflowRuns", "Tracked", "track"]

_PARAMS_AT_ONCE, _METRICS_AT_ONCE, _RUNS_AT_ONCE = 100, 1000, 1000  # what MLflow takes in one request
# Defaults for variables that the user has not set: no telemetry, few retries of an unreachable server.
_WISHES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_WORDS = 240  # characters kept of an MLflow error, which can be paragraphs long
_VALUE = 500  # characters of a parameter, which every version of MLflow takes
_TAG = 5000  # characters of a tag
_PARENT = "mlflow.parentRunId"  # MLflow draws a run with this tag below that one
T = TypeVar("T")


def track(campaign: CampaignFolder, uri: str) -> Tracked:
    """Add a campaign's new trials and verdicts to MLflow at `uri`, a server or `sqlite:///FILE`."""
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        record, experiments = ledger.campaign(), ledger.experiments()
    assert record is not None
    return MlflowRuns(campaign, uri).tell(record, experiments)


@dataclass
class _Known:
    """A run that MLflow has: its id and tags, and whether it was written to its end."""

    run: str
    tags: dict[str, str]
    ended: bool


@dataclass
class MlflowRuns:
    """The runs of a campaign at one MLflow; see `Tracker`."""

    campaign: CampaignFolder
    uri: str
    _number: str = field(init=False, default="")  # of the MLflow experiment, empty before it was looked up
    _known: dict[str, _Known] = field(init=False, default_factory=dict)  # by the name of the trial or experiment

    def tell(self, record: CampaignRecord, experiments: Sequence[Experiment]) -> Tracked:
        """See `Tracker`. Runs are looked up once, and again after a failure."""
        counts = {"added": 0, "updated": 0, "unchanged": 0}
        try:
            with _mlflow(self.uri, record.name) as client:
                if not self._number:
                    self._number, self._known = _experiment(client, group_name(record), record)
                for experiment in experiments:
                    for outcome in self._tell_one(client, record, experiment):
                        counts[outcome] += 1
        except BaseException:
            self._number = ""
            raise
        return Tracked(group_name(record), **counts)

    def _tell_one(self, client: MlflowClient, record: CampaignRecord, e: Experiment) -> Iterator[str]:
        """Add what MLflow lacks of an experiment; yield what became of each of its runs."""
        from mlflow.entities import Metric

        tags = {name: value[:_TAG] for name, value in facts_of(record, e).items()}
        if not e.trials and e.verdict is None:
            return
        begun = self._known.get(e.id)
        if begun is None:
            started = round(e.proposed_at * 1000)
            begun = self._known[e.id] = self._begin(client, e, run_name(e), started, {"kind": "experiment", **tags})
            yield "added"
        else:
            yield self._update(client, begun, tags)
        if e.verdict is not None and not begun.ended:
            ended = round(max((trial.finished_at for trial in e.all_trials), default=e.proposed_at) * 1000)
            metrics = [Metric(name, value, ended, 0) for name, value in metrics_of(record, e).items()]
            client.log_batch(begun.run, metrics=metrics)
            client.set_terminated(begun.run, "FAILED" if e.verdict.verdict == "failed" else "FINISHED", end_time=ended)
            begun.ended = True
        for trial in e.trials:
            known, whole = self._known.get(trial.trial), tags | _tags_of(trial) | {_PARENT: begun.run}
            if known is not None and known.ended:
                yield self._update(client, known, whole)
                continue
            if known is not None:  # an earlier export was interrupted in this run
                client.delete_run(known.run)
            self._known[trial.trial] = self._add(client, e, trial, whole)
            yield "added"

    def _begin(self, client: MlflowClient, e: Experiment, name: str, started: int, tags: dict[str, str]) -> _Known:
        """Add a run with its parameters; its status is `RUNNING` until it is complete."""
        from mlflow.entities import Param

        run = client.create_run(self._number, start_time=started, tags=tags, run_name=name).info.run_id
        params = [Param(key, shorten(str(value), _VALUE)) for key, value in e.configuration.items()]
        for part in _parts(params, _PARAMS_AT_ONCE):
            client.log_batch(run, params=part)
        return _Known(run, tags, ended=False)

    def _add(self, client: MlflowClient, e: Experiment, trial: TrialResult, tags: dict[str, str]) -> _Known:
        """Add the run of a trial."""
        ended = round(trial.finished_at * 1000)
        added = self._begin(client, e, trial.trial, ended - round(trial.seconds * 1000), tags)
        for part in _parts(_metrics(self.campaign, trial, ended), _METRICS_AT_ONCE):
            client.log_batch(added.run, metrics=part)
        client.set_terminated(added.run, "FINISHED" if completed(trial) else "FAILED", end_time=ended)
        added.ended = True
        return added

    @staticmethod
    def _update(client: MlflowClient, known: _Known, tags: dict[str, str]) -> str:
        """Set the tags that have changed; return what became of the run.

        Nothing changes before the verdict. If `tags` lack it, another process, which read the ledger later, may have
        told it already.
        """
        if tags["verdict"] == "open":
            return "unchanged"
        news = {key: value for key, value in tags.items() if known.tags.get(key) != value}
        for key, value in news.items():
            client.set_tag(known.run, key, value)
        known.tags |= news
        return "updated" if news else "unchanged"


@contextmanager
def _mlflow(uri: str, campaign: str) -> Iterator[MlflowClient]:
    if "://" not in uri:
        raise UsageError(f"MLflow at {uri}: must be the address of a server, http://HOST:PORT, or sqlite:///FILE")
    for name, value in _WISHES.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise StoichloopError(f"MLflow at {uri}: MLflow's client is missing; {how_to_install('mlflow')}") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield MlflowClient(tracking_uri=uri)
    except StoichloopError:
        raise
    # MLflow's stores pass on exceptions of their databases, so they have no common base.
    except Exception as error:
        words = shorten(str(error) or type(error).__name__, _WORDS).rstrip(".")
        again = f"stoichloop export {campaign} --mlflow {uri}"
        raise StoichloopError(f"MLflow at {uri}: {words}; fix this, and '{again}' adds what is missing") from error


def _experiment(client: MlflowClient, name: str, record: CampaignRecord) -> tuple[str, dict[str, _Known]]:
    """Return the id of the MLflow experiment, created if absent, and its runs by trial or experiment."""
    found = client.get_experiment_by_name(name)
    if found is None:
        tags = {"campaign": record.name, "regime": record.regime, "dataset": record.dataset}
        return client.create_experiment(name, tags=tags | {"base_commit": record.base_commit}), {}
    if found.lifecycle_stage != "active":
        raise StoichloopError(f"MLflow: the experiment '{name}' was deleted there; restore it or delete it for good")
    known: dict[str, _Known] = {}
    token: str | None = None
    while token is None or token:
        page = client.search_runs([found.experiment_id], max_results=_RUNS_AT_ONCE, page_token=token)
        for run in page:
            tags = run.data.tags
            if of := tags.get("trial") or (tags.get("kind") and tags.get("experiment")):
                known[of] = _Known(run.info.run_id, tags, run.info.status != "RUNNING")
        token = page.token or ""
    return found.experiment_id, known


def _metrics(campaign: CampaignFolder, trial: TrialResult, ended: int) -> list[Metric]:
    from mlflow.entities import Metric

    points = read_curves(campaign.folder / trial.folder)
    last = points[-1].step if points else 0
    metrics = [Metric(name, value, ended, last) for name, value in {**trial.scores, "seconds": trial.seconds}.items()]
    for point in points:
        values = {"loss": point.loss, "loss_pred": point.loss_pred}
        metrics += [Metric(name, value, ended, point.step) for name, value in values.items() if math.isfinite(value)]
    return metrics


def _tags_of(trial: TrialResult) -> dict[str, str]:
    return {"trial": trial.trial, "seed": str(trial.seed), "fidelity": trial.fidelity, "status": trial.status}


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))

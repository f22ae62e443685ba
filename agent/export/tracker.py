"""Trackers: services outside that are told of the experiments of a campaign, MLflow and Weights & Biases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

from memory.formatting import moment
from memory.records import CampaignRecord, Experiment, TrialResult
from stoichloop.foreign_text import visible


@dataclass(frozen=True)
class Tracked:
    """Result of telling a tracker: where the runs are, and the numbers of runs added, updated and unchanged."""

    experiment: str
    added: int
    updated: int
    unchanged: int


class Tracker(Protocol):
    """A service that is told of one campaign."""

    def tell(self, record: CampaignRecord, experiments: Sequence[Experiment]) -> Tracked:
        """Add what the service lacks of the experiments; raise `StoichloopError` if it cannot be told."""


def group_name(record: CampaignRecord) -> str:
    """Return the name for a campaign's runs; the time distinguishes campaigns of the same name."""
    return f"{record.name}, begun {moment(record.created_at)}"


def run_name(experiment: Experiment) -> str:
    """Return the name of an experiment's run."""
    return visible(f"{experiment.id} {experiment.headline}")


def facts_of(record: CampaignRecord, e: Experiment) -> dict[str, str]:
    """Return a description of an experiment."""
    facts: dict[str, Any] = {
        "campaign": record.name,
        "experiment": e.id,
        "parent": e.parent or "",
        "title": e.headline,
        "hypothesis": e.hypothesis,
        "planner": e.planner,
        "author": e.author,
        "verdict": e.verdict.verdict if e.verdict else "open",
        "reason": e.verdict.reason if e.verdict else "",
        "commit": e.landed or e.commit or "",
    }
    return {key: visible(str(value)) for key, value in facts.items()}


def metrics_of(record: CampaignRecord, e: Experiment) -> dict[str, float]:
    """Return an experiment's scores as means over its seeds, and the figures of its verdict.

    Scores below the campaign's fidelity, which compare with no others, have it before their name: `probe/exact`.
    """
    metrics: dict[str, float] = {}
    for fidelity in dict.fromkeys(trial.fidelity for trial in e.trials):
        prefix = "" if fidelity == record.fidelity else f"{fidelity}/"
        done = [trial.scores for trial in e.trials if trial.fidelity == fidelity and trial.scores]
        for name in done[0] if done else ():
            metrics[prefix + name] = fmean(scores[name] for scores in done if name in scores)
        metrics[f"{prefix}seeds"] = len(done)
    if e.verdict is not None:
        low, high = e.verdict.interval or (None, None)
        figures = {"effect": e.verdict.effect, "effect_low": low, "effect_high": high, "p_value": e.verdict.p_value}
        metrics |= {name: value for name, value in figures.items() if value is not None}
    return metrics | {"seconds": sum(trial.seconds for trial in e.all_trials)}


def completed(trial: TrialResult) -> bool:
    """Return whether a trial ended as it should."""
    return trial.status in ("completed", "diagnosed")

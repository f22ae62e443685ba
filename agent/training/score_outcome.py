"""Scoring of a finished trial: its estimate must pass the analyzer's validation."""

from __future__ import annotations

from agent.analyzer.scoring.estimate import EstimateError
from agent.analyzer.scoring.score import Scores, score_artifact
from agent.executor.artifacts import ESTIMATE
from agent.executor.trial import Outcome
from memory.records import TrialStatus
from simulator.dataset import FrozenData


def score_outcome(outcome: Outcome, dataset: FrozenData) -> tuple[TrialStatus, str, Scores]:
    """Return status, reason and scores of a trial; an estimate that fails validation makes it invalid."""
    if outcome.status != "completed":
        return outcome.status, outcome.reason, Scores()
    try:
        return "completed", outcome.reason, score_artifact(outcome.folder / ESTIMATE, dataset)
    except EstimateError as error:
        return "invalid", str(error), Scores()

"""From how a trial ended to its scores: what it left behind must pass the analyzer's door."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from agent.analyzer.estimate import EstimateError
from agent.analyzer.score import Scores, score_artifact
from agent.executor.trial import Outcome
from memory.records import TrialStatus
from simulator.dataset import FrozenData


@cache
def analyzer_fingerprint() -> str:
    """One SHA-256 for the code that scores: the analyzer, and the physics that it computes with."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted([*(root / "agent" / "analyzer").rglob("*.py"), *(root / "simulator").rglob("*.py")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def score_outcome(outcome: Outcome, dataset: FrozenData) -> tuple[TrialStatus, str, Scores]:
    """Status, reason and scores of a trial; an artifact that does not pass the door makes it invalid."""
    if outcome.status != "completed":
        return outcome.status, outcome.reason, Scores()
    try:
        return "completed", outcome.reason, score_artifact(outcome.folder / "estimate.npz", dataset)
    except EstimateError as error:
        return "invalid", str(error), Scores()

"""The figures of a regime over its trials."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from benchmarks.trials import Failed, Finished

SCORES = (
    "exact",
    "exact_identifiable",
    "recall_2",
    "sign_accuracy",
    "support_f1",
    "exact_reactions",
    "r2",
    "log_k_r2_aligned",
    "blind_dcdt_error",
    "test_r2",
    "seconds",
)


class Summary(BaseModel):
    """A score over trials, in the order of the trials."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    median: float
    min: float
    max: float
    values: tuple[float, ...]


class Group(BaseModel):
    """Trials that differ in their seed or in their network alone, and the reasons of those that failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scores: dict[str, Summary]
    failed: dict[str, str]

    def values(self, score: str) -> list[float]:
        """Return a score of each trial; a trial that failed recovered nothing, 0."""
        found = self.scores[score].values if score in self.scores else ()
        return [*found, *(0.0 for _ in self.failed)]


def summarise(values: Sequence[float]) -> Summary:
    """Return median, least and greatest of at least one value."""
    return Summary(median=statistics.median(values), min=min(values), max=max(values), values=tuple(values))


def group(trials: Sequence[Finished | Failed]) -> Group:
    """Return every score of `SCORES` that all trials have which finished; some regimes leave scores out."""
    finished = [trial.scores for trial in trials if isinstance(trial, Finished)]
    stated = [name for name in SCORES if finished and all(name in scores for scores in finished)]
    return Group(
        scores={name: summarise([scores[name] for scores in finished]) for name in stated},
        failed={str(trial.trial): trial.reason for trial in trials if isinstance(trial, Failed)},
    )

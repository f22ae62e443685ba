"""The score of an answer that learns nothing, which a candidate has to exceed.

Below `full` the baseline has not had its whole training, and an answer without any data may score above it. While the
incumbent does not score above that answer, a candidate has to. A configuration of the baseline's code, whose signs are
free, has to beat 1 everywhere. Other code may know more: the roles, and the columns that the regime allows.
"""

from __future__ import annotations

import statistics
from typing import NamedTuple

from agent.analyzer.judging.noise import Evidence
from agent.analyzer.judging.screening import reference
from memory.objective import trivial_of, uninformed_of
from memory.records import Experiment

WHOLE = "full"  # the fidelity at which a baseline has had its whole training


class Trivial(NamedTuple):
    """The score of an answer that learns nothing, and its name."""

    score: float
    name: str

    def not_above(self, score: float, seeds: int) -> str:
        """Say that a score on some seeds does not exceed it."""
        return f"learns nothing: {score:.4f} on {seeds} seeds is not above {self.score:.4f}, the score of {self.name}"

    def not_shown_above(self, lead: float) -> str:
        """Say that a lead over it may be chance."""
        return f"not shown to learn anything: {lead:+z.4f} over {self.score:.4f}, the score of {self.name}"


def to_beat(candidate: Experiment, incumbent: Experiment, evidence: Evidence) -> Trivial | None:
    """Return the answer that a candidate has to beat, None if the incumbent beats it or nothing is known of it."""
    top, patched = evidence.fidelities[-1], evidence.is_patched(candidate)
    told = [t.scores for t in (*candidate.trials, *incumbent.trials)]
    scores = [score for each in told if (score := (uninformed_of if patched else trivial_of)(each)) is not None]
    if top == WHOLE or not scores:
        return None
    known = reference(incumbent, top) or list(incumbent.scores(top).values())
    trivial = Trivial(max(scores), "the best answer without data" if patched else "1 everywhere")
    return trivial if not known or statistics.fmean(known) <= trivial.score else None

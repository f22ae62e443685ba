"""Who leads, and by how much: read off the experiments, never stored."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from memory.records import Experiment, Outline, TrialResult, VerdictName

LEADERBOARD_LENGTH = 12


@dataclass(frozen=True)
class Standing:
    """One line of the leaderboard: mean and standard error of the score over `seeds` seeds at one fidelity."""

    experiment: Experiment
    score: float
    error: float | None
    seeds: int


def incumbent(experiments: Sequence[Experiment]) -> Experiment | None:
    """The experiment that was accepted last: each acceptance has beaten the one before it."""
    return max((e for e in experiments if e.accepted), key=_rank, default=None)


def _rank(experiment: Experiment) -> int:
    """Where an experiment stands among the verdicts."""
    return experiment.verdict.number if experiment.verdict else 0


def lineage(experiments: Sequence[Experiment], experiment: Experiment) -> list[Experiment]:
    """An experiment and its ancestors, the baseline first."""
    known = {e.id: e for e in experiments}
    line = [experiment]
    while line[-1].parent is not None:
        line.append(known[line[-1].parent])
    return line[::-1]


def codes_of(experiments: Sequence[Experiment]) -> dict[str, str]:
    """For each experiment the one that wrote its code: it, or its nearest ancestor that patched; else the baseline.

    Parents come before their children.
    """
    wrote: dict[str, str] = {}
    for e in experiments:
        wrote[e.id] = e.id if e.patch or e.parent is None else wrote[e.parent]
    return wrote


def count_verdicts(verdicts: Iterable[VerdictName | None]) -> dict[str, int]:
    """How many there are of each verdict, `open` for none, in the order of the words."""
    return dict(sorted(Counter(verdict or "open" for verdict in verdicts).items()))


def standing(experiment: Experiment, fidelity: str) -> Standing | None:
    """Where an experiment stands, or None before its first result."""
    scores = list(experiment.scores(fidelity).values())
    if not scores:
        return None
    error = statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else None
    return Standing(experiment, statistics.fmean(scores), error, len(scores))


def typical_trial(experiment: Experiment, fidelity: str) -> TrialResult | None:
    """The trial that speaks for an experiment: of those completed at a fidelity the one whose score is nearest to their
    mean, with the lowest seed among equals; None before its first result.
    """
    line = standing(experiment, fidelity)
    if line is None:
        return None
    done = [t for t in experiment.trials if t.fidelity == fidelity and t.status == "completed"]
    return min(done, key=lambda trial: (abs((trial.score or 0.0) - line.score), trial.seed))


def leaders(outlines: Sequence[Outline], count: int = LEADERBOARD_LENGTH) -> list[str]:
    """The first `count` of the leaderboard: accepted ones, newest first, since each has beaten its forerunner; then
    the others by mean.

    A mean over one seed is flattered by its luck; that is why it does not outrank an acceptance.
    """
    scored = [line for line in outlines if line.score is not None]
    accepted = sorted((line for line in scored if line.accepted), key=lambda line: -(line.rank or 0))
    others = nlargest(count, (line for line in scored if not line.accepted), key=lambda line: line.score or 0.0)
    return [line.id for line in [*accepted, *others][:count]]

"""Leaderboard, incumbent and lineage: computed from the experiments, never stored."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

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
    """Return the experiment accepted last: each accepted experiment has beaten the previous one."""
    return max((e for e in experiments if e.accepted), key=_rank, default=None)


def _rank(experiment: Experiment) -> int:
    """Return the rank of an experiment among the verdicts, 0 before its own."""
    return experiment.verdict.number if experiment.verdict else 0


def lineage(experiments: Sequence[Experiment], experiment: Experiment) -> list[Experiment]:
    """Return an experiment and its ancestors, the baseline first."""
    by_id = {e.id: e for e in experiments}
    path = [experiment]
    while path[-1].parent is not None:
        path.append(by_id[path[-1].parent])
    return path[::-1]


def changes_of(experiments: Sequence[Experiment], names: Iterable[str]) -> frozenset[str]:
    """Return the ids of the changes that these experiments make on their parents: a combination makes its parts'."""
    by_id = {e.id: e for e in experiments}

    def parts(name: str) -> frozenset[str]:
        combined = by_id[name].combines if name in by_id else ()
        return frozenset().union(*map(parts, combined)) if combined else frozenset({name})

    return frozenset().union(*map(parts, names))


def changes_behind(experiments: Sequence[Experiment], experiment: Experiment) -> frozenset[str]:
    """Return the ids of all changes that an experiment holds: those of its lineage, without the baseline."""
    return changes_of(experiments, [e.id for e in lineage(experiments, experiment)[1:]])


def left_out(
    experiments: Sequence[Experiment], parent: str, combines: Sequence[str], leader: Experiment
) -> frozenset[str]:
    """Return the changes behind `leader` that a combination on `parent` lacks; empty unless it makes no other."""
    built_on = next((e for e in experiments if e.id == parent), None)
    if not combines or built_on is None:
        return frozenset()
    ours = changes_behind(experiments, built_on) | changes_of(experiments, combines)
    theirs = changes_behind(experiments, leader)
    return theirs - ours if ours < theirs else frozenset()


def codes_of(experiments: Sequence[Experiment]) -> dict[str, str]:
    """Return, for each experiment, the id of the experiment whose code it runs.

    This is the experiment itself if it has a patch, else its nearest ancestor with one, else the baseline.
    `experiments` lists parents before their children; an ancestor that it leaves out stands for its own code.
    """
    wrote: dict[str, str] = {}
    for e in experiments:
        wrote[e.id] = e.id if e.patch or e.parent is None else wrote.get(e.parent, e.parent)
    return wrote


def count_verdicts(verdicts: Iterable[VerdictName | None]) -> dict[str, int]:
    """Count each verdict, with `open` for experiments without one, in alphabetical order."""
    return dict(sorted(Counter(verdict or "open" for verdict in verdicts).items()))


def standing(experiment: Experiment, fidelity: str) -> Standing | None:
    """Return the leaderboard line of an experiment, or None before its first result."""
    scores = list(experiment.scores(fidelity).values())
    if not scores:
        return None
    error = statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else None
    return Standing(experiment, statistics.fmean(scores), error, len(scores))


class PairedTrial(NamedTuple):
    """The lead of an experiment over its parent on one seed at one fidelity."""

    lead: float
    seed: int
    fidelity: str


def paired_trial(experiment: Experiment, parent: Experiment) -> PairedTrial | None:
    """Return the lead on the lowest seed of the last fidelity at which both completed it; None if there is none."""
    for fidelity in reversed(list(dict.fromkeys(t.fidelity for t in experiment.trials))):
        ours, theirs = experiment.scores(fidelity), parent.scores(fidelity)
        if shared := ours.keys() & theirs.keys():
            seed = min(shared)
            return PairedTrial(ours[seed] - theirs[seed], seed, fidelity)
    return None


class PairedLead(NamedTuple):
    """The mean lead of an experiment over another one on all seeds that both completed at one fidelity."""

    lead: float
    seeds: int
    fidelity: str


def paired_lead(experiment: Experiment, other: Experiment) -> PairedLead | None:
    """Return the lead at the newest fidelity at which both completed a seed; None if there is none."""
    for fidelity in reversed(list(dict.fromkeys(t.fidelity for t in experiment.trials))):
        ours, theirs = experiment.scores(fidelity), other.scores(fidelity)
        if shared := ours.keys() & theirs.keys():
            return PairedLead(statistics.fmean(ours[seed] - theirs[seed] for seed in shared), len(shared), fidelity)
    return None


def typical_trial(experiment: Experiment, fidelity: str) -> TrialResult | None:
    """Return the completed trial at a fidelity whose score is nearest to the mean, or None before the first result.

    Among equals, the trial with the lowest seed is returned.
    """
    mean = standing(experiment, fidelity)
    if mean is None:
        return None
    done = [t for t in experiment.trials if t.fidelity == fidelity and t.status == "completed"]
    return min(done, key=lambda trial: (abs((trial.score or 0.0) - mean.score), trial.seed))


def leaders(outlines: Sequence[Outline], count: int = LEADERBOARD_LENGTH) -> list[str]:
    """Return the ids of the first `count` experiments of the leaderboard.

    Accepted experiments come first, newest before oldest, since each has beaten the previous one. The others follow
    by mean. A mean over one seed may be luck, so it does not outrank an accepted experiment.
    """
    scored = [line for line in outlines if line.score is not None]
    accepted = sorted((line for line in scored if line.accepted), key=lambda line: -(line.rank or 0))
    others = nlargest(count, (line for line in scored if not line.accepted), key=lambda line: line.score or 0.0)
    return [line.id for line in [*accepted, *others][:count]]

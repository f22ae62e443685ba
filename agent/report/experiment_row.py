"""One experiment as a row of the table, a node of the tree and a dot of the course."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.executor.trial import FIDELITIES
from memory.cost import Cost, cost_of
from memory.leaderboard import paired_lead, standing
from memory.records import Block, Experiment, experiment_number


@dataclass(frozen=True)
class ExperimentRow:
    """The figures of an experiment.

    `score` is the mean over `seeds` seeds at `fidelity`, the highest one at which any completed; None before that.
    `gain` is the mean lead over the parent on the seeds that both completed. `rung` is that of the block. `ended` is
    the time of its last trial, or that of the proposal.
    """

    experiment: Experiment
    rung: str
    score: float | None
    fidelity: str
    seeds: int
    gain: float | None
    gain_seeds: int
    cost: Cost | None
    ended: float

    @property
    def number(self) -> int:
        """Number of the experiment: 17 for `e0017`."""
        return experiment_number(self.experiment.id)

    @property
    def verdict(self) -> str:
        """The verdict, `open` before there is one."""
        return self.experiment.verdict.verdict if self.experiment.verdict else "open"

    @property
    def shade(self) -> float:
        """Strength of the colour of the gain, from -1 to 1; a tenth of the scale is half of it."""
        return 0.0 if self.gain is None else math.copysign(abs(self.gain) / (abs(self.gain) + 0.1), self.gain)

    @property
    def changed(self) -> str:
        """The changed fields with their values, and the move, for the filter."""
        e = self.experiment
        fields = [f"{name}={_short(value)}" for name, value in e.changes.items()]
        return " ".join([*fields, *([e.move] if e.move else []), *e.combines])


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "".join(str(value).split())


def experiment_rows(experiments: Sequence[Experiment], blocks: Sequence[Block]) -> list[ExperimentRow]:
    """Return a row for each experiment, in the same order."""
    rungs = {block.number: block.rung for block in blocks}
    by_id = {e.id: e for e in experiments}
    return [_row(e, by_id, rungs) for e in experiments]


def _row(e: Experiment, by_id: Mapping[str, Experiment], rungs: Mapping[int, str]) -> ExperimentRow:
    parent = by_id.get(e.parent or "")
    line = next((line for name in reversed(FIDELITIES) if (line := standing(e, name))), None)
    lead = paired_lead(e, parent) if parent else None
    return ExperimentRow(
        experiment=e,
        rung=rungs[e.block],
        score=line.score if line else None,
        fidelity=next(name for name in reversed(FIDELITIES) if e.scores(name)) if line else "",
        seeds=line.seeds if line else 0,
        gain=lead.lead if lead else None,
        gain_seeds=lead.seeds if lead else 0,
        cost=cost_of(e, parent),
        ended=max((t.finished_at for t in e.all_trials), default=e.proposed_at),
    )


def reference(e: Experiment, by_id: Mapping[str, Experiment], fidelity: str) -> float | None:
    """Return the mean score of the rival, or of the parent, on the seeds that both completed at a fidelity.

    A dot above the incumbent's mean may lag on the seeds that were compared: this is what it was compared with.
    """
    rival = by_id.get((e.verdict.rival if e.verdict else None) or e.parent or "")
    if rival is None:
        return None
    theirs = rival.scores(fidelity)
    shared = theirs.keys() & e.scores(fidelity).keys()
    return statistics.fmean(theirs[seed] for seed in shared) if shared else None

"""The cost of an experiment: the seconds that one of its trials takes, beside its parent's on the same seeds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from memory.records import Experiment


@dataclass(frozen=True)
class Cost:
    """The median time of completed trials at one fidelity.

    `times_parent` is the ratio to the parent's time on the seeds that both completed, None where there are none.
    """

    seconds: float
    times_parent: float | None
    fidelity: str

    def __str__(self) -> str:
        """Return '34 s a trial at probe, 1.31 times its parent's'."""
        words = f"{self.seconds:.3g} s a trial at {self.fidelity}"
        return words if self.times_parent is None else f"{words}, {self.times_parent:.2f} times its parent's"


def cost_of(experiment: Experiment, parent: Experiment | None) -> Cost | None:
    """Return the cost at the newest fidelity with a completed trial, None before there is one."""
    for fidelity in reversed(list(dict.fromkeys(t.fidelity for t in experiment.trials))):
        ours, theirs = _seconds(experiment, fidelity), _seconds(parent, fidelity) if parent else {}
        if ours:
            shared = ours.keys() & theirs.keys()
            pair = [statistics.median(times[seed] for seed in shared) for times in (ours, theirs)] if shared else []
            ratio = pair[0] / pair[1] if pair and pair[1] > 0 else None
            return Cost(statistics.median(ours.values()), ratio, fidelity)
    return None


def _seconds(experiment: Experiment, fidelity: str) -> dict[int, float]:
    return {t.seed: t.seconds for t in experiment.trials if t.fidelity == fidelity and t.status == "completed"}

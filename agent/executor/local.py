"""Trials as subprocesses in slots on this machine: one slot a GPU, or `workers` on the CPU."""

from __future__ import annotations

import os

from agent.executor.executor import Executor, Members
from agent.executor.process import TrialProcess
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.limits import fair_share


def slots(workers: int | None) -> list[str | None]:
    """The GPU of each slot; None for a slot on the CPU, one a core that we may use. `workers` overrides the number."""
    gpus = visible_gpus()
    if not gpus:
        return [None] * (workers or len(os.sched_getaffinity(0)))
    return [gpus[index % len(gpus)] for index in range(workers or len(gpus))]


class LocalExecutor(Executor):
    """Runs trials in slots of this machine."""

    def start(self, slot: int, members: Members, limit_s: float) -> TrialProcess:
        """Start them as one process."""
        trial = members[0][0]
        code, observations = self.worktrees.at(trial.commit).folder, self.observations_of(trial)
        limits = fair_share(len(self.slots))
        return TrialProcess(members, code, observations, self.slots[slot], self.worktrees.sandbox, limits, limit_s)

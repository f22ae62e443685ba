"""Trainings as subprocesses in slots on this machine: one slot a GPU, or `workers` on the CPU."""

from __future__ import annotations

from pathlib import Path

from agent.executor.executor import Executor, Members, T
from agent.executor.process import TrialProcess
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.granted import granted_cores
from agent.executor.sandbox.limits import fair_share


def slots(workers: int | None) -> list[str | None]:
    """Return the GPU of each slot, None for a slot on the CPU: one a GPU, or one a granted core.

    `workers` overrides the number.
    """
    gpus = visible_gpus()
    if not gpus:
        return [None] * (workers or granted_cores())
    return [gpus[index % len(gpus)] for index in range(workers or len(gpus))]


class LocalExecutor(Executor[T]):
    """Runs trainings in slots of this machine."""

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> TrialProcess:
        """Start them as one process."""
        code = self.worktrees.at(members[0][0].commit).folder
        limits = fair_share(len(self.slots))
        return TrialProcess(members, code, observations, self.slots[slot], self.worktrees.sandbox, limits, limit_s)

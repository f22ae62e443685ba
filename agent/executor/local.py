"""Trainings as subprocesses in slots on this machine: two slots a GPU, or one a core.

A process needs seconds before it trains, and a GPU serves two: while one starts, the other trains.
"""

from __future__ import annotations

from pathlib import Path

from agent.executor.executor import Executor, Members, T
from agent.executor.process import TrialProcess
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.granted import granted_cores
from agent.executor.sandbox.limits import fair_share

_SLOTS_A_GPU = 2


def slots(workers: int | None) -> list[str | None]:
    """Return the GPU of each slot, None for a slot on the CPU: two a GPU, or one a granted core.

    `workers` overrides the number.
    """
    gpus = visible_gpus()
    if not gpus:
        return [None] * (workers or granted_cores())
    return [gpus[index % len(gpus)] for index in range(workers or _SLOTS_A_GPU * len(gpus))]


class LocalExecutor(Executor[T]):
    """Runs trainings in slots of this machine."""

    @property
    def gpus_here(self) -> frozenset[str]:
        """Return the GPUs of its slots."""
        return frozenset(slot for slot in self.slots if slot is not None)

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> TrialProcess:
        """Start them as one process."""
        code = self.worktrees.at(members[0][0].commit).folder
        limits = fair_share(len(self.slots))
        return TrialProcess(members, code, observations, self.slots[slot], self.worktrees.sandbox, limits, limit_s)

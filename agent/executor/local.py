"""Trainings as subprocesses in slots on this machine: two slots a GPU, and one for each core that is left.

A process needs seconds before it trains, and a GPU serves two: while one starts, the other trains. Each of them keeps a
core busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.executor.executor import Executor, Members, T
from agent.executor.process import TrialProcess
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.granted import granted_cores, granted_memory
from agent.executor.sandbox.limits import SHARED, Limits, fair_share

_SLOTS_A_GPU = 2
_CORE_MEMORY = 2 * 2**30, 4 * 2**30  # bytes of a core beside GPUs: at least, and at most


def slots(workers: int | None) -> list[str | None]:
    """Return the GPU of each slot, None for a slot on the CPU: two a GPU, and the granted cores that are left.

    `workers` overrides the number: of slots on GPUs alone, where there are any.
    """
    gpus = visible_gpus()
    if not gpus:
        return [None] * (workers or granted_cores())
    on_gpus = [gpus[index % len(gpus)] for index in range(workers or _SLOTS_A_GPU * len(gpus))]
    room = int(SHARED * granted_memory() / 2) // _CORE_MEMORY[0]
    cores = 0 if workers else min(granted_cores() - len(on_gpus), room)
    return [*on_gpus, *[None] * max(0, cores)]


def limits_of(places: Sequence[str | None], slot: int) -> Limits:
    """Return the limits of a slot's process: an equal share, but cores beside GPUs have at most half of the memory."""
    cores = places.count(None)
    if cores in (0, len(places)):
        return fair_share(len(places))
    whole = SHARED * granted_memory()
    a_core = min(_CORE_MEMORY[1], int(whole / 2 / cores))
    return Limits(memory=a_core if places[slot] is None else int((whole - cores * a_core) / (len(places) - cores)))


class LocalExecutor(Executor[T]):
    """Runs trainings in slots of this machine."""

    @property
    def gpus_here(self) -> frozenset[str]:
        """Return the GPUs of its slots."""
        return frozenset(slot for slot in self.slots if slot is not None)

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> TrialProcess:
        """Start them as one process."""
        code = self.worktrees.for_training(members[0][0].commit).folder
        limits = limits_of(self.slots, slot)
        return TrialProcess(members, code, observations, self.slots[slot], self.worktrees.sandbox, limits, limit_s)

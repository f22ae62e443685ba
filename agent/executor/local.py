"""Trials as subprocesses in slots on this machine: one slot a GPU, or `workers` on the CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.executor.gpu import visible_gpus
from agent.executor.limits import fair_share
from agent.executor.process import TrialProcess
from agent.executor.trial import Outcome, Trial
from agent.executor.worktree import Worktrees

_POLL_S = 0.1


def slots(workers: int | None) -> list[str | None]:
    """The GPU of each slot; None for a slot on the CPU, one a core that we may use. `workers` overrides the number."""
    gpus = visible_gpus()
    if not gpus:
        return [None] * (workers or len(os.sched_getaffinity(0)))
    return [gpus[index % len(gpus)] for index in range(workers or len(gpus))]


@dataclass
class LocalExecutor:
    """Runs trials in slots.

    Attributes:
        slots: from `slots()`.
        worktrees: where the code of each trial is checked out.
        observations_of: the one data file that a trial is given.
        folder_of: a new folder for the next attempt at a trial.
        has_room: whether the disk has room for another trial; where it has none, trials wait.
        started: told of each process, for the ledger. tick: called while waiting, for the live view.
    """

    slots: Sequence[str | None]
    worktrees: Worktrees
    observations_of: Callable[[Trial], Path]
    folder_of: Callable[[Trial], Path]
    has_room: Callable[[], bool]
    started: Callable[[TrialProcess], None]
    tick: Callable[[], None]
    running: dict[int, TrialProcess] = field(default_factory=dict)

    def run(
        self,
        trials: Sequence[Trial],
        *,
        expected_s: Callable[[Trial], float],
        limit_s: Callable[[Trial], float],
        left_s: Callable[[], float],
    ) -> Iterator[Outcome]:
        """Yield outcomes as trials end, each within its `limit_s`.

        A trial is started only while `left_s()`, the time left, is at least its `expected_s`; when no time is
        left, those still running are ended without an outcome. However the caller leaves, no process stays.
        """
        waiting = list(trials)
        try:
            while True:
                cramped = False
                for slot in range(len(self.slots)):
                    if waiting and slot not in self.running and left_s() >= expected_s(waiting[0]):
                        cramped = cramped or not self.has_room()
                        if not cramped:
                            self._start(slot, waiting.pop(0))
                if left_s() <= 0 or not (self.running or cramped):
                    return
                time.sleep(_POLL_S)
                self.tick()
                for slot, process in list(self.running.items()):
                    outcome = process.outcome(limit_s(process.trial))
                    if outcome is not None:
                        del self.running[slot]
                        yield outcome
        finally:
            for process in self.running.values():
                process.end()
            self.running.clear()

    def _start(self, slot: int, trial: Trial) -> None:
        code = self.worktrees.at(trial.commit).folder
        observations, gpu = self.observations_of(trial), self.slots[slot]
        process = TrialProcess(
            trial, code, observations, self.folder_of(trial), gpu, self.worktrees.sandbox, fair_share(len(self.slots))
        )
        self.running[slot] = process
        self.started(process)

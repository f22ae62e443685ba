"""Trials as subprocesses in slots on this machine: one slot a GPU, or `workers` on the CPU.

A GPU idles when it trains one model of this size, so trials that share code and shapes train together there, in one
process; gnn.train sizes the batch to the device's memory. A core that trains one is busy.
"""

from __future__ import annotations

import json
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
_TOGETHER = 64  # trials in one process on a GPU


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
        started: told of each trial, its folder and its process, for the ledger. tick: called while waiting, for the
            live view. note: told in a sentence what else a person should know.
        together: how many trials share a process at the most, None for what the slots are worth.
    """

    slots: Sequence[str | None]
    worktrees: Worktrees
    observations_of: Callable[[Trial], Path]
    folder_of: Callable[[Trial], Path]
    has_room: Callable[[], bool]
    started: Callable[[Trial, Path, int], None]
    tick: Callable[[], None]
    note: Callable[[str], None]
    together: int | None = None
    running: dict[int, TrialProcess] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)  # code that has failed to train several at once

    def run(
        self,
        trials: Sequence[Trial],
        *,
        expected_s: Callable[[Trial], float],
        limit_s: Callable[[Trial], float],
        left_s: Callable[[], float],
    ) -> Iterator[Outcome]:
        """Yield outcomes as trials end, each within its `limit_s`.

        Trials are started only while `left_s()`, the time left, is at least their `expected_s`; when no time is
        left, those still running are ended without an outcome. However the caller leaves, no process stays. What
        crashes together is run again one by one.
        """
        waiting = list(trials)
        try:
            while True:
                cramped = False
                for slot in range(len(self.slots)):
                    batch = self._next(waiting) if slot not in self.running else []
                    if batch and left_s() >= sum(map(expected_s, batch)):
                        cramped = cramped or not self.has_room()
                        if not cramped:
                            waiting = [trial for trial in waiting if trial not in batch]
                            self._start(slot, batch)
                if left_s() <= 0 or not (self.running or cramped):
                    return
                time.sleep(_POLL_S)
                self.tick()
                for slot, process in list(self.running.items()):
                    trials = [trial for trial, _ in process.members]
                    outcomes = process.outcomes(sum(map(limit_s, trials)))
                    if outcomes is not None:
                        del self.running[slot]
                        if len(trials) > 1 and outcomes[0].status == "crashed":
                            self._part(outcomes[0])
                            waiting = [*trials, *waiting]
                        else:
                            yield from outcomes
        finally:
            for process in self.running.values():
                process.end()
            self.running.clear()

    def _next(self, waiting: Sequence[Trial]) -> list[Trial]:
        """What is to be started next: the first that waits, with as many of its kind as make for equal shares."""
        if not waiting:
            return []
        most = self.together or (_TOGETHER if self.slots[0] is not None else 1)
        if most == 1 or self._source(waiting[0]) in self.apart:
            return [waiting[0]]
        kind = self._kind(waiting[0])
        alike = [trial for trial in waiting if self._kind(trial) == kind]
        return alike[: min(most, -(-len(alike) // len(self.slots)))]

    def _source(self, trial: Trial) -> str:
        return self.worktrees.source_hash(trial.commit)

    def _kind(self, trial: Trial) -> str:
        """What trials that can be trained together have in common: data, code, steps, and what members must share."""
        fields = self.worktrees.at(trial.commit).fields
        shared = {name: trial.configuration.get(name) for name, known in fields.items() if known.shared}
        return json.dumps([str(self.observations_of(trial)), self._source(trial), trial.steps, shared], sort_keys=True)

    def _part(self, outcome: Outcome) -> None:
        self.apart.add(self._source(outcome.trial))
        self.note(f"{outcome.trial.id} and others cannot be trained together, {outcome.reason}: one by one, then")

    def _start(self, slot: int, batch: Sequence[Trial]) -> None:
        code, observations = self.worktrees.at(batch[0].commit).folder, self.observations_of(batch[0])
        members = [(trial, self.folder_of(trial)) for trial in batch]
        limits = fair_share(len(self.slots))
        process = TrialProcess(members, code, observations, self.slots[slot], self.worktrees.sandbox, limits)
        self.running[slot] = process
        for trial, folder in members:
            self.started(trial, folder, process.pid)

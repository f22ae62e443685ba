"""How trials run side by side: a number of slots, kept busy until the trials or the time are at an end.

A GPU idles when it trains one model of this size, so trials that share code and shapes train together there, in one
process; gnn.train sizes the batch to the device's memory. A core that trains one is busy.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agent.executor.code.worktree import Worktrees
from agent.executor.trial import Outcome, Trial

_POLL_S = 0.1
_TOGETHER = 64  # trials in one process on a GPU
_LOSSES = 3  # of a trial with its worker, until that is what came of it

Members = Sequence[tuple[Trial, Path]]


class Attempt(Protocol):
    """Trials that were started together, wherever they run, each with a folder for this attempt at it."""

    @property
    def members(self) -> Members:
        """The trials and their folders."""

    @property
    def pid(self) -> int:
        """The process on this machine that stands for it."""

    def outcomes(self) -> list[Outcome] | None:
        """How each trial ended, or None while they run."""

    def end(self) -> None:
        """End them where they run; once is enough."""


@dataclass
class Executor(ABC):
    """Runs trials in slots; a kind of executor says what it is to start one.

    Attributes:
        slots: the GPU of each, None for a slot on the CPU.
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
    running: dict[int, Attempt] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)  # code that has failed to train several at once
    losses: Counter[str] = field(default_factory=Counter)  # of each trial with its worker

    @abstractmethod
    def start(self, slot: int, members: Members, limit_s: float) -> Attempt:
        """Start trials of the same code and number of steps, which may run for `limit_s` seconds, in a free slot."""

    def run(
        self,
        trials: Sequence[Trial],
        *,
        expected_s: Callable[[Trial], float],
        limit_s: Callable[[Trial], float],
        left_s: Callable[[], float],
    ) -> Generator[Outcome, None, None]:
        """Yield outcomes as trials end, each within its `limit_s`.

        Trials are started only while `left_s()`, the time left, is at least their `expected_s`; when no time is
        left, those still running are ended without an outcome. However the caller leaves, no trial goes on. What
        crashes together is run again one by one, and what is lost with its worker once more.
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
                            self._start(slot, batch, sum(map(limit_s, batch)))
                if left_s() <= 0 or not (self.running or cramped):
                    return
                time.sleep(_POLL_S)
                self.tick()
                for slot, attempt in list(self.running.items()):
                    trials = [trial for trial, _ in attempt.members]
                    outcomes = attempt.outcomes()
                    if outcomes is not None:
                        del self.running[slot]
                        if self._again(outcomes):
                            waiting = [*trials, *waiting]
                        else:
                            yield from outcomes
        finally:
            self.end(self.running.values())
            self.running.clear()

    def end(self, attempts: Collection[Attempt]) -> None:
        """End what is not wanted any more."""
        for attempt in attempts:
            attempt.end()

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

    def _again(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether trials that ended so are to be run again, which is then said."""
        first = outcomes[0]
        if first.lost:
            trials = [outcome.trial.id for outcome in outcomes]
            self.losses.update(trials)
            again = self.losses[trials[0]] < _LOSSES
            if again:
                self.note(f"{', '.join(trials)}: {first.reason}; once more, then")
            return again
        if len(outcomes) > 1 and first.status == "crashed":
            self.apart.add(self._source(first.trial))
            self.note(f"{first.trial.id} and others cannot be trained together, {first.reason}: one by one, then")
            return True
        return False

    def _start(self, slot: int, batch: Sequence[Trial], limit_s: float) -> None:
        members = [(trial, self.folder_of(trial)) for trial in batch]
        attempt = self.running[slot] = self.start(slot, members, limit_s)
        for trial, folder in members:
            self.started(trial, folder, attempt.pid)

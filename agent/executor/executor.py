"""Trainings side by side, in a number of slots: submitted and polled, or run to the end of the trainings or the time.

A GPU idles when it trains one model of this size, so jobs that share code and shapes train together there, in one
process; gnn.train sizes the batch to the device's memory. A core that trains one is busy. Where slots are of both
kinds, those on cores stand beside those on GPUs: they take code that cannot train several at once.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agent.executor.code.worktree import Worktrees
from agent.executor.placement import Placement
from agent.executor.trial import Job, Outcome, Trial
from memory.records import Device

_POLL_S = 0.1
_TOGETHER = 64  # jobs in one process on a GPU
_LOSSES = 3  # of a training with its worker before the loss is its outcome

Members = Sequence[tuple[Job, Path]]


class NamedJob(Protocol):
    """A job under a name: a trial of an experiment, or a measurement."""

    @property
    def id(self) -> str:
        """Return its name; no two trainings of one run share it."""

    @property
    def job(self) -> Job:
        """Return what is to be trained."""


T = TypeVar("T", bound=NamedJob)
T_contra = TypeVar("T_contra", bound=NamedJob, contravariant=True)


class TrialHost(Protocol[T_contra]):
    """The owner of trainings, as an executor sees it."""

    def observations_of(self, training: T_contra) -> Path:
        """Return the one data file that a training may read."""

    def folder_of(self, training: T_contra) -> Path:
        """Return a new folder for the next attempt at a training."""

    def has_room(self) -> bool:
        """Return whether the disk has room for another training; without room, trainings wait."""

    def started(self, training: T_contra, folder: Path, pid: int) -> None:
        """Remember that a training has been started, in which folder and process."""

    def tick(self) -> None:
        """Do what is due while the executor waits; raise `KeyboardInterrupt` if the user asked to stop."""

    def note(self, sentence: str) -> None:
        """Tell the user something else."""


class TimeLimits(Protocol[T_contra]):
    """The time that trainings may take, in seconds."""

    def expected_s(self, training: T_contra, device: Device) -> float:
        """Return the time that must be left before a training is started on a device."""

    def limit_s(self, training: T_contra, device: Device) -> float:
        """Return the time after which a training is stopped there."""

    def left_s(self) -> float:
        """Return the time left for all of them."""


class Attempt(Protocol):
    """Jobs that were started together, wherever they run, each with a folder for this attempt."""

    @property
    def pid(self) -> int:
        """Return the process on this machine that stands for it."""

    def outcomes(self) -> list[Outcome] | None:
        """Return the outcome of each job in order, or None while they run."""

    def end(self) -> None:
        """End them where they run; once is enough."""


@dataclass
class Executor(ABC, Generic[T]):
    """Runs trainings in slots; a kind of executor implements `start`.

    Attributes:
        slots: the GPU of each, None for a slot on the CPU. Those on GPUs come first.
        worktrees: checkouts of the code of each job.
        host: the owner of the trainings.
        together: jobs in one process at most, None for the default of the kind of slot.
        cramped: the disk had no room for what was submitted last.
    """

    slots: Sequence[str | None]
    worktrees: Worktrees
    host: TrialHost[T]
    together: int | None = None
    running: dict[int, tuple[Attempt, Sequence[T]]] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)  # code that has failed to train several at once
    losses: Counter[str] = field(default_factory=Counter)  # of each training with its worker
    placement: Placement = field(default_factory=Placement)
    cramped: bool = field(default=False, init=False)

    @abstractmethod
    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Attempt:
        """Start jobs of the same code and number of steps, for at most `limit_s` seconds, in a free slot."""

    @property
    def trainings(self) -> list[T]:
        """Return what runs."""
        return [training for _, batch in self.running.values() for training in batch]

    @property
    def gpus_here(self) -> frozenset[str]:
        """Return the GPUs of this machine on which it trains."""
        return frozenset()

    @property
    def main_slots(self) -> range:
        """Return the slots that take any training: those on GPUs, or all of a machine without one."""
        gpus = sum(gpu is not None for gpu in self.slots)
        return range(gpus or len(self.slots))

    @property
    def cores_beside(self) -> range:
        """Return the slots on cores beside GPUs, which take code that cannot train several at once."""
        return range(len(self.main_slots), len(self.slots))

    @property
    def device(self) -> Device:
        """Return the device of the main slots."""
        return self._device(0)

    @property
    def free(self) -> int:
        """Return how many main slots are free."""
        return sum(slot not in self.running for slot in self.main_slots)

    @property
    def free_cores(self) -> int:
        """Return how many cores beside GPUs are free."""
        return sum(slot not in self.running for slot in self.cores_beside)

    @property
    def a_slot(self) -> int:
        """Return how many trainings a main slot takes at once, at most."""
        return self.together or (_TOGETHER if self.slots[0] is not None else 1)

    def submit(self, trainings: Sequence[T], limits: TimeLimits[T]) -> list[T]:
        """Start as many of these as the free slots take, the first ones first; return those started.

        Trainings of one kind start together where a slot takes several. A training is started only while the time left
        is at least its expected time, and the disk has room.
        """
        waiting, started, self.cramped = list(trainings), list[T](), False
        # Cores first take what they are faster for, and at last what found no other slot.
        for slot in (*self.cores_beside, *self.main_slots, *self.cores_beside):
            batch = [] if slot in self.running else self._next(slot, waiting, limits)
            if not batch:
                continue
            self.cramped = not self.host.has_room()
            if self.cramped:
                break
            self._start(slot, batch, sum(limits.limit_s(training, self._device(slot)) for training in batch))
            started += batch
            waiting = [training for training in waiting if training not in batch]
        return started

    def poll(self) -> list[tuple[T, Outcome]]:
        """Return the trainings that have ended since the last poll, with their outcomes.

        Of a batch that has crashed, or was lost with its worker, nothing is returned: it has to be submitted again.
        """
        ended: list[tuple[T, Outcome]] = []
        for slot, (attempt, batch) in list(self.running.items()):
            outcomes = attempt.outcomes()
            if outcomes is not None:
                del self.running[slot]
                if not self._again(batch, outcomes):
                    ended += zip(batch, outcomes, strict=True)
                    self._time(slot, batch, outcomes)
        return ended

    def stop(self) -> None:
        """End all that runs, without an outcome."""
        self.end([attempt for attempt, _ in self.running.values()])
        self.running.clear()

    def run(self, trainings: Sequence[T], limits: TimeLimits[T]) -> Generator[tuple[T, Outcome], None, None]:
        """Yield each training with its outcome as it ends.

        When no time is left, running ones are ended without an outcome, and so are all however the caller leaves. A
        batch that crashes is run again one by one; a training that is lost with its worker is run again.
        """
        left = list(trainings)
        try:
            while True:
                running = self.trainings
                running += self.submit([training for training in left if training not in running], limits)
                if limits.left_s() <= 0 or not (running or self.cramped):
                    return
                time.sleep(_POLL_S)
                self.host.tick()
                for training, outcome in self.poll():
                    left.remove(training)
                    yield training, outcome
        finally:
            self.stop()

    def end(self, attempts: Collection[Attempt]) -> None:
        """End attempts that are not wanted any more."""
        for attempt in attempts:
            attempt.end()

    def _next(self, slot: int, waiting: Sequence[T], limits: TimeLimits[T]) -> list[T]:
        """Return what to start next in a slot: the first that can end in time there.

        With it, as many of its kind as make equal shares for the main slots that are free. A core beside GPUs takes
        code that cannot train several, where a GPU is faster for it only if none is free.
        """
        if slot in self.cores_beside:
            waiting = [training for training in waiting if self._suits_core(training)]
        elif self.cores_beside:  # one that trains alone holds up those that train together
            waiting = sorted(waiting, key=lambda training: self._source(training) in self.apart)
        left_s, device = limits.left_s(), self._device(slot)
        fitting = [training for training in waiting if left_s >= limits.expected_s(training, device)]
        if not fitting or self.a_slot == 1 or self._source(fitting[0]) in self.apart:
            return fitting[:1]
        kind = self._kind(fitting[0])
        alike = [training for training in fitting if self._kind(training) == kind]
        batch = alike[: min(self.a_slot, -(-len(alike) // self.free))]
        while sum(limits.expected_s(training, device) for training in batch) > left_s:
            batch.pop()
        return batch

    def _suits_core(self, training: T) -> bool:
        source = self._source(training)
        return source in self.apart and (not self.free or self.placement.prefers_core(source, training.job.steps))

    def _device(self, slot: int) -> Device:
        return "cpu" if self.slots[slot] is None else "gpu"

    def _time(self, slot: int, batch: Sequence[T], outcomes: Sequence[Outcome]) -> None:
        """Note how long a training alone in its process took, if it was completed."""
        first, outcome = batch[0], outcomes[0]
        if self.cores_beside and len(batch) == 1 and outcome.status == "completed":
            self.placement.note(self._source(first), first.job.steps, self._device(slot), outcome.seconds)

    def trains_alone(self, commit: str) -> bool:
        """Return whether the code of a commit is known to train one at a time."""
        return bool(self.apart) and self.worktrees.source_hash(commit) in self.apart

    def _source(self, training: T) -> str:
        return self.worktrees.source_hash(training.job.commit)

    def _kind(self, training: T) -> str:
        """Return what jobs that can be trained together have in common: data, code, steps, and shared fields."""
        job = training.job
        fields = self.worktrees.for_training(job.commit).fields
        shared = {name: job.configuration.get(name) for name, declared in fields.items() if declared.shared}
        observations = str(self.host.observations_of(training))
        return json.dumps([observations, self._source(training), job.steps, shared], sort_keys=True)

    def _again(self, batch: Sequence[T], outcomes: Sequence[Outcome]) -> bool:
        """Return whether a batch with these outcomes is to be run again; prints the reason."""
        first = outcomes[0]
        if first.lost:
            names = [training.id for training in batch]
            self.losses.update(names)
            again = self.losses[names[0]] < _LOSSES
            if again:
                self.host.note(f"{', '.join(names)}: {first.reason}: retrying")
            return again
        if len(outcomes) > 1 and first.status == "crashed":
            self.apart.add(self._source(batch[0]))
            self.host.note(f"the batch of {batch[0].id} crashed ({first.reason}): retrying its trials one at a time")
            return True
        return False

    def _start(self, slot: int, batch: Sequence[T], limit_s: float) -> None:
        folders = [self.host.folder_of(training) for training in batch]
        members = [(training.job, folder) for training, folder in zip(batch, folders, strict=True)]
        attempt = self.start(slot, members, self.host.observations_of(batch[0]), limit_s)
        self.running[slot] = attempt, batch
        for training, folder in zip(batch, folders, strict=True):
            self.host.started(training, folder, attempt.pid)


class ExecutorFactory(Protocol):
    """A kind of executor with its slots."""

    def __call__(self, *, worktrees: Worktrees, host: TrialHost[Trial]) -> Executor[Trial]:
        """Return the executor of a campaign."""

"""Trainings outside a campaign's experiments: run on this machine, scored, and cached in a ledger."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.base.console import Console
from agent.executor.code.worktree import Worktrees, throw_away
from agent.executor.local import LocalExecutor, slots
from agent.executor.sandbox.limits import lack_of_room
from agent.executor.trial import Job, Outcome
from agent.executor.workspace import Workspace
from agent.training.progress import TrainingBars
from agent.training.score_outcome import score_outcome
from memory.ledger import Ledger
from memory.objective import objective_of
from memory.records import Device, Measurement, MeasurementKey
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError


@dataclass(frozen=True)
class Task:
    """A training of a commit as it is configured there. `name` describes it for the user."""

    name: str
    commit: str
    dataset: FrozenData
    seed: int
    steps: int

    def __str__(self) -> str:
        return f"{self.name}, seed {self.seed}"


@dataclass(frozen=True)
class Laboratory:
    """Measures tasks. With a ledger, measurements are cached.

    Attributes:
        worktrees: temporary checkouts, also for commits composed for a measurement. folder: files of the trials.
        check: called while waiting; it raises `KeyboardInterrupt` when the user has asked for that.
    """

    worktrees: Worktrees
    folder: Path
    ledger: Ledger | None
    console: Console
    check: Callable[[], None]

    def measure(self, tasks: Sequence[Task]) -> list[Measurement]:
        """Return the measurement of each task, in order; a training that does not complete is a measurement too.

        Raises `StoichloopError` if a trial is killed from outside, or if code cannot describe its configuration.
        """
        keys = [self._key(task) for task in tasks]
        known = [self.ledger.measurement(*key) for key in keys] if self.ledger else []
        found = {measurement.key: measurement for measurement in known if measurement}
        # Two tasks may have the same code, when a later change overrides the one left out.
        missing = {key: task for key, task in zip(keys, tasks, strict=True) if key not in found}
        with closing(self._run(list(missing.values()))) as run:  # ends all processes on any error
            for measurement in run:
                if self.ledger:
                    self.ledger.add_measurement(measurement)
                found[measurement.key] = measurement
        return [found[key] for key in keys]

    def _key(self, task: Task) -> MeasurementKey:
        return self._code(task.commit), task.dataset.manifest.fingerprint(), task.seed, task.steps

    def _code(self, commit: str) -> str:
        return self.worktrees.fingerprint(commit, self._configuration(commit))

    def _configuration(self, commit: str) -> dict[str, Any]:
        return self.worktrees.at(commit).resolve({})

    def _run(self, tasks: Sequence[Task]) -> Generator[Measurement, None, None]:
        trainings = [_IndexedJob(index, task, self._job(task)) for index, task in enumerate(tasks)]
        with TrainingBars(self.console, len(tasks)) as bars:
            host = _LaboratoryHost(self, bars, slots(None))
            executor: LocalExecutor[_IndexedJob] = LocalExecutor(host.slots, self.worktrees, host)
            for training, outcome in executor.run(trainings, host):
                task = training.task
                if outcome.killed:
                    raise StoichloopError(f"{task}: {outcome.reason}; rerun the command to repeat it")
                measurement = self._measured(training, outcome)
                score = measurement.score
                result = measurement.reason if score is None else f"{objective_of(measurement.scores)} {score:.4f}"
                yield measurement
                # The line is shown after the consumer has recorded the measurement.
                bars.end(training.id, f"{task}: {result} ({outcome.seconds:.0f} s)")

    def _job(self, task: Task) -> Job:
        return Job(task.commit, self._configuration(task.commit), task.seed, task.steps)

    def _measured(self, training: _IndexedJob, outcome: Outcome) -> Measurement:
        (status, reason, scores), job = score_outcome(outcome, training.task.dataset), training.job
        failure = "" if status == "completed" else f"{status.replace('_', ' ')}: {reason}"
        code, data = self._code(job.commit), training.task.dataset.manifest.fingerprint()
        return Measurement(code, data, job.seed, job.steps, scores, failure, time.time())


@dataclass(frozen=True)
class _IndexedJob:
    """A task under its index as its name."""

    index: int
    task: Task
    job: Job

    @property
    def id(self) -> str:
        """See `NamedJob`."""
        return str(self.index)


@dataclass(frozen=True)
class _LaboratoryHost:
    """The laboratory as an executor sees it; see `TrialHost` and `TimeLimits`. There is no limit of time."""

    laboratory: Laboratory
    bars: TrainingBars
    slots: Sequence[str | None]

    def observations_of(self, training: _IndexedJob) -> Path:
        return training.task.dataset.observations_path.absolute()

    def folder_of(self, training: _IndexedJob) -> Path:
        return Path(tempfile.mkdtemp(dir=self.laboratory.folder)) / "trial"

    def has_room(self) -> bool:
        if lack := lack_of_room(self.laboratory.folder, len(self.slots)):
            raise StoichloopError(lack)
        return True

    def started(self, training: _IndexedJob, folder: Path, pid: int) -> None:
        self.bars.start(training.id, training.job.steps, folder, str(training.task))

    def tick(self) -> None:
        self.laboratory.check()
        self.bars.advance()

    def note(self, sentence: str) -> None:
        self.laboratory.console.print(sentence)

    def expected_s(self, training: _IndexedJob, device: Device) -> float:
        return 0.0

    def limit_s(self, training: _IndexedJob, device: Device) -> float:
        return math.inf

    def left_s(self) -> float:
        return math.inf


@contextmanager
def laboratory(
    workspace: Workspace, ledger: Ledger | None, console: Console, check: Callable[[], None]
) -> Iterator[Laboratory]:
    """Yield a laboratory whose files are removed at the end; only its ledger keeps results."""
    with (
        throw_away(workspace.repo, workspace.runs / ".measurements", workspace.sandbox) as worktrees,
        tempfile.TemporaryDirectory(prefix="stoichloop-") as folder,
    ):
        yield Laboratory(worktrees, Path(folder), ledger, console, check)

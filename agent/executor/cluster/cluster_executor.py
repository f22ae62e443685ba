"""Trials on other machines, by Parsl: one slot a worker of the cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.cluster.messages import Assignment, AssignmentResult
from agent.executor.cluster.workers import Workers
from agent.executor.executor import Attempt, Executor, Members, T
from agent.executor.trial import Outcome
from agent.executor.workspace import Workspace
from memory.formatting import counted
from memory.records import Device
from stoichloop.errors import StoichloopError

_POLL_S = 0.1
_ENDING_S = 10.0  # for workers to end what is not wanted any more
_SEEN_S = 90.0  # with a shared disk: what others wrote there can take a minute to be seen


class Commission:
    """Trials that were handed to the broker; the next free worker takes them."""

    def __init__(self, workers: Workers, assignment: Assignment) -> None:
        """Hand them over."""
        self.members: Members = assignment.members
        self._device: Device = "gpu" if assignment.gpu else "cpu"
        self._workers, self._stop, self._handed_at = workers, assignment.stop, time.monotonic()
        self._number = workers.ask("supervise", assignment.model_dump_json())
        self._report: AssignmentResult | None = None
        self._reported_at = 0.0

    @property
    def pid(self) -> int:
        """Process id of the broker on this machine, which stands for the workers."""
        return self._workers.pid

    def outcomes(self) -> list[Outcome] | None:
        """Return the outcome of each trial, or None while they run or wait for a worker.

        Raises `StoichloopError` if no worker can run them, or their files do not reach this machine.
        """
        if self._report is None:
            answer = self._workers.answer(self._number)
            if answer is None:
                return None
            if answer.returned is None:
                return self._lost(answer.lost or "")
            self._report, self._reported_at = AssignmentResult.model_validate_json(answer.returned), time.monotonic()
        missing = [file for file, size in self._report.handed_in.items() if not _is_there(file, size)]
        if not missing:
            return self._report.outcomes
        if time.monotonic() > self._reported_at + _SEEN_S:
            raise StoichloopError(
                f"{missing[0]}: a worker wrote it, but it is not visible here: the disk must be shared"
            )
        return None

    def end(self) -> None:
        """Have the worker end the trials, which takes a moment."""
        self._stop.touch()

    def is_running(self) -> bool:
        """Return whether a worker has made their folders and not yet reported."""
        began = any(folder.exists() for _, folder in self.members)
        return began and self._report is None and not self._workers.is_over(self._number)

    def _lost(self, how: str) -> list[Outcome]:
        share = (time.monotonic() - self._handed_at) / len(self.members)
        told = f"lost with its worker: {how}"
        return [Outcome("crashed", told, folder, share, lost=True, device=self._device) for _, folder in self.members]


@dataclass
class ClusterExecutor(Executor[T]):
    """Runs trials on `workers`."""

    workers: Workers = field(kw_only=True)

    def start(self, slot: int, members: Members, observations: Path, limit_s: float) -> Commission:
        """Hand the trainings to the next free worker."""
        assignment = Assignment(
            members=tuple(members),
            limit_s=limit_s,
            code=self.worktrees.for_training(members[0][0].commit).folder,
            observations=observations,
            root=self.workers.root,
            gpu=self.slots[slot] is not None,
            workers=self.workers.cluster.workers,
            contained=self.worktrees.sandbox.bubblewrap is not None,
            stop=self.workers.new_sign(),
        )
        return Commission(self.workers, assignment)

    def end(self, attempts: Collection[Attempt]) -> None:
        """End attempts and wait until they have ended."""
        super().end(attempts)
        running = [attempt for attempt in attempts if isinstance(attempt, Commission)]
        deadline = time.monotonic() + _ENDING_S
        while time.monotonic() < deadline and any(attempt.is_running() for attempt in running):
            time.sleep(_POLL_S)


@contextmanager
def hire(
    cluster: ClusterFile, workspace: Workspace, folder: Path, note: Callable[[str], None], check: Callable[[], None]
) -> Iterator[tuple[Workspace, Callable[..., Executor[Any]]]]:
    """Yield the workspace and the executor factory of a campaign on a cluster, once its first worker has come.

    If no sandbox holds on the workers, the workspace says so: code is asked for its configuration here and trained
    there. `note` is called with sentences for the user, `check` while waiting.
    """
    with Workers(cluster, workspace.root, folder, note) as workers:
        count = counted(len(cluster.slots), "worker")
        note(f"waiting for the first of {count}, {cluster.scheduler}; Parsl writes to {folder}")
        found = workers.examine(check)
        if workspace.contained and found.fault and workspace.uncontained is None:
            workspace = replace(workspace, fault=f"on {found.host}: {found.fault}")
        yield workspace, partial(ClusterExecutor, cluster.slots, workers=workers)


def _is_there(file: Path, size: int) -> bool:
    try:
        return file.stat().st_size == size
    except FileNotFoundError:
        return False

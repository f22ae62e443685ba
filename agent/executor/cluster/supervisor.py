"""Worker side of the cluster: starts trials, enforces their limits and reports their outcomes.

A worker takes one assignment after another. Each trial is a process in the sandbox of that machine, as it would be on
the controller's, and ends with this process; files are exchanged over a shared disk.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import time
from functools import cache
from pathlib import Path

from agent.executor.artifacts import HANDED_IN
from agent.executor.cluster.messages import Assignment, AssignmentResult, Examination, ExaminationRequest
from agent.executor.process import TrialProcess
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.sandbox.gpu import visible_gpus
from agent.executor.sandbox.limits import fair_share
from agent.executor.sandbox.probe import find_sandbox

_POLL_S = 0.1
_LOOK_S = 1.0  # between two looks at the shared disk
_PATIENCE_S = 90.0  # with a shared disk: what others wrote there can take a minute to be seen
_RANK = "PARSL_WORKER_RANK"  # of the workers of this machine, from 0


class WorkerError(Exception):
    """This machine cannot run its assignment."""


def examine(given: str) -> str:
    """Answer an `ExaminationRequest` by an `Examination`, both JSON; raises `WorkerError` if the disk is not shared."""
    question = ExaminationRequest.model_validate_json(given)
    _wait_for(question.shared)
    holding = find_sandbox(question.root)
    return Examination(host=platform.node(), fault="" if holding.holds else holding.reason).model_dump_json()


def supervise(given: str) -> str:
    """Run an `Assignment` and return its `AssignmentResult`, both JSON; raises `WorkerError` if it cannot run here."""
    task = Assignment.model_validate_json(given)
    if task.stop.exists():
        return AssignmentResult(outcomes=[], handed_in={}).model_dump_json()
    _wait_for(task.code / "gnn", task.observations)
    sandbox = _sandbox(task.root) if task.contained else Sandbox(None)
    gpu, limits = _gpu() if task.gpu else None, fair_share(task.workers)
    process = TrialProcess(task.members, task.code, task.observations, gpu, sandbox, limits, task.limit_s)
    try:
        next_look = time.monotonic() + _LOOK_S
        while (outcomes := process.outcomes()) is None and not _is_orphan():
            time.sleep(_POLL_S)
            if time.monotonic() > next_look:
                if task.stop.exists():
                    break
                next_look = time.monotonic() + _LOOK_S
    finally:
        process.end()
    files = [folder / name for _, folder in task.members for name in HANDED_IN]
    sizes = {file: file.stat().st_size for file in files if file.exists()}
    return AssignmentResult(outcomes=outcomes or [], handed_in=sizes).model_dump_json()


def _is_orphan() -> bool:
    """Return whether the process that started this worker, and would take its report, is gone."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _wait_for(*paths: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    for path in paths:
        while not path.exists():
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"{platform.node()} does not see {path}: the clone must lie on a disk that all machines share"
                )
            time.sleep(_LOOK_S)


def _gpu() -> str:
    """Return the GPU of this worker, among those that the scheduler shows."""
    seen = visible_gpus()
    if not seen:
        raise WorkerError(f"{platform.node()} shows its workers no GPU, but 'gpus_per_node' asks for some")
    return seen[int(os.environ[_RANK]) % len(seen)]


@cache
def _sandbox(root: Path) -> Sandbox:
    """Return the sandbox of this machine; raises `WorkerError` if none holds."""
    holding = find_sandbox(root)
    if not holding.holds:
        raise WorkerError(
            f"the sandbox does not work on {platform.node()}, while it does elsewhere: {holding.reason}; have the "
            "scheduler leave that machine out, or give --no-sandbox"
        )
    return holding.sandbox

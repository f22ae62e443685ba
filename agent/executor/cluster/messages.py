"""Messages between the controller and a worker on another machine: JSON, checked on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.trial import Job, Outcome

RemoteFunction = Literal["supervise", "examine"]  # of `agent.executor.cluster.supervisor`


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExaminationRequest(_Message):
    """First question to a worker: does it see the folder `shared`, and does a sandbox hold on its machine?"""

    root: Path
    shared: Path


class Examination(_Message):
    """Answer to it: name of the machine, and the reason why no sandbox holds on it, empty if one does."""

    host: str
    fault: str


class Assignment(_Message):
    """Trials of the same code and number of steps that a worker is to run together.

    Attributes:
        members: each trial with the folder that is to be made for it. limit_s: how long they may run, in seconds.
        code, observations: what they run and read. root: the clone, which they must not see.
        gpu: true if they need one. workers: number of workers that share the machine.
        contained: true if they may run only in a sandbox that holds.
        stop: a file; once it exists, the trials are to be stopped.
    """

    members: tuple[tuple[Job, Path], ...]
    limit_s: float
    code: Path
    observations: Path
    root: Path
    gpu: bool
    workers: int
    contained: bool
    stop: Path


class AssignmentResult(_Message):
    """Outcomes of an assignment, none if it was stopped.

    `handed_in` has the size in bytes of each file that the trials left.
    """

    outcomes: list[Outcome]
    handed_in: dict[Path, int]


class Order(_Message):
    """Start argument of the broker: the cluster, and the folder for its files."""

    cluster: ClusterFile
    folder: Path


class RemoteCall(_Message):
    """Request to the broker: a function of `agent.executor.cluster.supervisor` for a worker, with its argument."""

    number: int
    function: RemoteFunction
    given: str


class RemoteResult(_Message):
    """Result of a call: the returned value, or how its worker was lost, or the fault."""

    number: int
    returned: str | None = None
    lost: str | None = None
    fault: str | None = None


class Farewell(_Message):
    """Last message of the broker: the jobs that it could not end."""

    left: list[str]

"""What passes between the controller and a worker on another machine: JSON, checked on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.trial import Outcome, Trial

RemoteFunction = Literal["supervise", "examine"]  # of `agent.executor.cluster.supervisor`


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExaminationRequest(_Message):
    """What a worker is asked before it is given anything: whether it sees `shared`, and what contains code there."""

    root: Path
    shared: Path


class Examination(_Message):
    """Its answer: the name of its machine, and why no sandbox holds on it, empty if one does."""

    host: str
    fault: str


class Assignment(_Message):
    """Trials of the same code and number of steps that a worker is to run together.

    Attributes:
        members: each trial with the folder that is to be made for it. limit_s: how long they may run, in seconds.
        code, observations: what they run and read. root: the clone, which they must not see.
        gpu: whether they need one. workers: among how many the worker's machine is shared.
        contained: whether they may run in a sandbox that holds and nowhere else.
        stop: a file; once it is there, they are not wanted any more.
    """

    members: tuple[tuple[Trial, Path], ...]
    limit_s: float
    code: Path
    observations: Path
    root: Path
    gpu: bool
    workers: int
    contained: bool
    stop: Path


class AssignmentResult(_Message):
    """What came of an assignment: no outcomes if it was stopped.

    `handed_in` has the size in bytes of each file that the trials left.
    """

    outcomes: list[Outcome]
    handed_in: dict[Path, int]


class Order(_Message):
    """What the broker is started for: which workers, and the folder in which to keep its files."""

    cluster: ClusterFile
    folder: Path


class RemoteCall(_Message):
    """What the broker is to have a worker do: a function of `agent.executor.cluster.supervisor`, with its argument."""

    number: int
    function: RemoteFunction
    given: str


class RemoteResult(_Message):
    """What the broker says of a call: what the function returned, or how its worker was lost, or what was wrong."""

    number: int
    returned: str | None = None
    lost: str | None = None
    fault: str | None = None


class Farewell(_Message):
    """What the broker says last: the jobs that it could not end."""

    left: list[str]

"""A training, and a trial: the training of an experiment at one seed and one fidelity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory.records import Device, TrialStatus
from stoichloop.errors import UsageError

# Shares of the regime's full training budget, lowest first.
FIDELITIES = {"probe": 0.125, "half": 0.5, "full": 1.0}
LOWEST = next(iter(FIDELITIES))


@dataclass(frozen=True)
class Job:
    """One training: the code of a commit with a whole configuration, from one seed, for a number of steps."""

    commit: str
    configuration: dict[str, Any]
    seed: int
    steps: int


@dataclass(frozen=True)
class Trial:
    """A job of an experiment. `sibling` is the number of the sibling network that it trains on, 0 for the own one."""

    experiment: str
    fidelity: str
    job: Job
    sibling: int = 0

    @property
    def id(self) -> str:
        """Return the trial's identity, like `e0017/s2/probe`, or `e0017/s2/probe/n3` on sibling 3.

        It has one result, however often it has to be started.
        """
        network = f"/n{self.sibling}" if self.sibling else ""
        return f"{self.experiment}/s{self.job.seed}/{self.fidelity}{network}"


@dataclass(frozen=True)
class Outcome:
    """The end of a job's process. `completed` means that an artifact was left, not that the artifact is valid.

    Attributes:
        folder: what the job left. seconds: its share of the time of its process.
        killed: a signal ended it that was not the controller's. lost: it was lost with its worker.
        device: the kind of processor on which it ran.
    """

    status: TrialStatus
    reason: str
    folder: Path
    seconds: float
    killed: bool = False
    lost: bool = False
    device: Device | None = None


def check_fidelity(asked: str) -> str:
    """Return `asked` if there is such a fidelity; raise `StoichloopError` otherwise."""
    if asked not in FIDELITIES:
        raise UsageError(f"--fidelity '{asked}' must be one of {', '.join(FIDELITIES)}")
    return asked


def climb(top: str) -> tuple[str, ...]:
    """Return the fidelities up to `top`, lowest first: the way of a candidate."""
    names = tuple(FIDELITIES)
    return names[: names.index(top) + 1]


def steps_of(fidelity: str, full_steps: int) -> int:
    """Return the optimiser steps of a trial."""
    return max(1, round(FIDELITIES[fidelity] * full_steps))

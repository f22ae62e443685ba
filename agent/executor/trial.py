"""A trial: one training run of an experiment at one seed and one fidelity."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory.records import TrialStatus
from stoichloop.errors import StoichloopError

# Shares of the regime's full training budget, lowest first.
FIDELITIES = {"probe": 0.125, "half": 0.5, "full": 1.0}
LOWEST = next(iter(FIDELITIES))


@dataclass(frozen=True)
class Trial:
    """What is to be run. `id` is `e0017/s2/probe`."""

    experiment: str
    seed: int
    fidelity: str
    steps: int
    commit: str
    configuration: dict[str, Any]

    @property
    def id(self) -> str:
        """The trial's identity: it has one result, however often it has to be started."""
        return f"{self.experiment}/s{self.seed}/{self.fidelity}"


@dataclass(frozen=True)
class Outcome:
    """How a trial's process ended. `completed` says that it left an artifact, not that the artifact is good.

    `killed` is true if a signal ended it that was not ours, `lost` if the worker that it ran on was lost with it.
    """

    trial: Trial
    status: TrialStatus
    reason: str
    folder: Path
    seconds: float
    killed: bool = False
    lost: bool = False


def check_fidelity(asked: str) -> str:
    """What was asked for, if there is such a fidelity; raises `StoichloopError`."""
    if asked not in FIDELITIES:
        raise StoichloopError(f"--fidelity '{asked}' must be one of {', '.join(FIDELITIES)}")
    return asked


def climb(top: str) -> tuple[str, ...]:
    """The fidelities up to `top`, lowest first: the way of a candidate."""
    names = tuple(FIDELITIES)
    return names[: names.index(top) + 1]


def steps_of(fidelity: str, full_steps: int) -> int:
    """Optimiser steps of a trial."""
    return max(1, round(FIDELITIES[fidelity] * full_steps))

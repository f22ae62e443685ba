"""Progress of a recovery, in steps of the training budget, and its training curve."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TextIO

from gnn.search import Search


class NonFiniteLossError(Exception):
    """The unexplained share of the data became infinite or not a number."""


class Clock:
    """Writes a point of the curve for each round in which columns may change.

    A stage decides columns, or judges all of them again. Stages take equal shares of the steps, so that the time left
    can be told; rounds cannot be counted beforehand.
    """

    def __init__(self, steps: int, stages: int, curves: TextIO) -> None:
        self._step, self._steps, self._stages, self._curves = 0, steps, stages, curves

    def of(self, search: Search, stage: int) -> Callable[[], None]:
        """Return what a search calls after each round of a stage, 0 first."""
        return lambda: self._note(search.system.unexplained, (stage + search.decided) / self._stages)

    def _note(self, loss: float, done: float) -> None:
        if not math.isfinite(loss):
            raise NonFiniteLossError(f"the unexplained share became {loss} at step {self._step} of {self._steps}")
        self._step = max(self._step, math.ceil(done * self._steps))
        point = {"step": self._step, "steps": self._steps, "loss": loss, "loss_pred": loss}
        self._curves.write(json.dumps(point) + "\n")
        self._curves.flush()

"""The training budget in steps, one for each round in which columns may change, and the training curve."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TextIO

from gnn.search import Search


class NonFiniteLossError(Exception):
    """The unexplained share of the data became infinite or not a number."""


class Clock:
    """Counts rounds and writes a point of the curve for each."""

    def __init__(self, steps: int, curves: TextIO) -> None:
        self._step, self._steps, self._curves = 0, steps, curves

    def of(self, search: Search) -> Callable[[], None]:
        """Return what a search calls after each round."""
        return lambda: self._note(search.system.noise)

    def _note(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise NonFiniteLossError(f"the unexplained share became {loss} at step {self._step} of {self._steps}")
        self._step = min(self._step + 1, self._steps)
        point = {"step": self._step, "steps": self._steps, "loss": loss, "loss_pred": loss}
        self._curves.write(json.dumps(point) + "\n")
        self._curves.flush()

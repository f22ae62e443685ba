"""The training budget in optimiser steps, and the training curve."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TextIO


class NonFiniteLossError(Exception):
    """The loss became infinite or not a number."""


class Clock:
    """Hands out steps until the budget is used up: each is a Gauss-Newton step, not a gradient step."""

    def __init__(self, steps: int, curves: TextIO) -> None:
        self._step, self._steps, self._curves = 0, steps, curves

    def __iter__(self) -> Iterator[int]:
        while self._step < self._steps:
            self._step += 1
            yield self._step

    @property
    def spent(self) -> float:
        """Share of the budget that is used up, 0 to 1."""
        return self._step / self._steps

    def note(self, loss: float) -> None:
        """Write a point of the training curve; raises `NonFiniteLossError` unless the loss is finite."""
        if not math.isfinite(loss):
            raise NonFiniteLossError(f"the loss became {loss} at step {self._step} of {self._steps}")
        point = {"step": self._step, "steps": self._steps, "loss": loss, "loss_pred": loss}
        self._curves.write(json.dumps(point) + "\n")
        self._curves.flush()

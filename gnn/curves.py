"""Learning curves of models that are trained together: `curves.jsonl` of each, one point per line.

{"step": 40, "steps": 4000, "loss": 0.81, "loss_pred": 0.79, "penalties": {"coeff_mass": 0.02}}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

_POINTS = 100
_LOOK = 50  # steps between two checks that any loss is finite: a check waits for the device


class Curves:
    """The learning curves of M members; `penalties` returns the weighted terms at a step by name, shape (M,) each."""

    def __init__(self, folders: Sequence[Path], steps: int, penalties: Callable[[int], dict[str, Tensor]]) -> None:
        self._penalties = penalties
        self._files = [folder / "curves.jsonl" for folder in folders]
        self._steps, self._every = steps, max(1, steps // _POINTS)
        self._lost_at: Tensor | None = None  # the first step at which each member's loss was not finite, else 0
        for file in self._files:
            file.write_text("", encoding="utf-8")

    def follow(self, step: int, loss: Tensor, loss_pred: Tensor) -> bool:
        """Record one step, both losses of shape (M,). Return False once all losses are known to have diverged."""
        if self._lost_at is None:
            self._lost_at = torch.zeros_like(loss, dtype=torch.int64)
        sound = torch.isfinite(loss) | (self._lost_at > 0)
        self._lost_at = torch.where(sound, self._lost_at, step)
        if step % self._every == 0 or step == self._steps:
            terms = self._penalties(step)
            values = torch.stack([loss, loss_pred, *terms.values()]).tolist()
            for file, lost, total, error, *parts in zip(self._files, self.lost_at(), *values, strict=True):
                if not lost:
                    point = {"step": step, "steps": self._steps, "loss": total, "loss_pred": error}
                    point |= {"penalties": dict(zip(terms, parts, strict=True))}
                    with file.open("a", encoding="utf-8") as curve:
                        curve.write(json.dumps(point) + "\n")
        return step % _LOOK != 0 or not all(self.lost_at())

    def lost_at(self) -> list[int]:
        """Return the first step at which each member's loss was infinite or not a number, 0 if none."""
        return [] if self._lost_at is None else self._lost_at.tolist()

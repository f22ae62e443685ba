"""The files of a trial's folder, its exit statuses, and the reader of its training curves.

docs/trial-contract.md documents them; `gnn` names them once more, since the loop never imports it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.base.untrusted import open_plain

CONFIG, PRINTED, CURVES, ESTIMATE = "config.json", "stdout.txt", "curves.jsonl", "estimate.npz"
HANDED_IN = (CONFIG, PRINTED, CURVES, ESTIMATE)
NON_FINITE = 3  # exit status of gnn.train when the loss is not finite

CURVES_BYTES = 1_000_000  # of a file of curves that are read
_MAX_STEPS, _MAX_BROKEN = 1_000_000_000, 100


class CurvePoint(BaseModel):
    """One line of `curves.jsonl`; a patched trainer may add more. `penalties` are the other terms of the loss."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: int = Field(ge=0, le=_MAX_STEPS)
    steps: int = Field(ge=0, le=_MAX_STEPS)
    loss: float
    loss_pred: float
    penalties: dict[Annotated[str, Field(pattern=r"^\w{1,40}$")], float] = Field(default={}, max_length=8)


def read_curves(folder: Path) -> list[CurvePoint]:
    """Return the well-formed points, none before there is a file.

    A line that is still being written is skipped; after 100 lines that are no points, reading ends.
    """
    try:
        with open_plain(folder / CURVES) as stream:
            lines = stream.read(CURVES_BYTES).splitlines()
    except OSError:
        return []
    points: list[CurvePoint] = []
    for number, line in enumerate(lines):
        if number - len(points) > _MAX_BROKEN:
            break
        with suppress(ValidationError):
            points.append(CurvePoint.model_validate_json(line))
    return points

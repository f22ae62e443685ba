"""The files of a trial's folder, its exit statuses, and the reader of its training curves.

docs/trial-contract.md documents them; `gnn` names them once more, since the loop never imports it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.base.untrusted import open_plain

CONFIG, PRINTED, CURVES, ESTIMATE = "config.json", "stdout.txt", "curves.jsonl", "estimate.npz"
HANDED_IN = (CONFIG, PRINTED, CURVES, ESTIMATE)
NON_FINITE = 3  # exit status of gnn.train when the loss is not finite

_MAX_BYTES, _MAX_STEPS = 1_000_000, 1_000_000_000


class CurvePoint(BaseModel):
    """One line of `curves.jsonl`; a patched trainer may add more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: int = Field(ge=0, le=_MAX_STEPS)
    steps: int = Field(ge=0, le=_MAX_STEPS)
    loss: float
    loss_pred: float


def read_curves(folder: Path) -> list[CurvePoint]:
    """Return the well-formed points, none before there is a file. A line that is still being written is skipped."""
    try:
        with open_plain(folder / CURVES) as stream:
            lines = stream.read(_MAX_BYTES).splitlines()
    except OSError:
        return []
    points = []
    for line in lines:
        try:
            points.append(CurvePoint.model_validate_json(line))
        except ValidationError:
            continue
    return points

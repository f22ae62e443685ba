"""Training curves as a trial wrote them: read with suspicion, a line at a time."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.base.untrusted import open_plain

_MAX_BYTES, _MAX_STEPS = 1_000_000, 1_000_000_000


class CurvePoint(BaseModel):
    """One line of `curves.jsonl`; a patched trainer may add more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    step: int = Field(ge=0, le=_MAX_STEPS)
    steps: int = Field(ge=0, le=_MAX_STEPS)
    loss: float
    loss_pred: float


def read_curves(folder: Path) -> list[CurvePoint]:
    """The points that are well-formed; none if there is no file yet. A line that is being written is left out."""
    try:
        with open_plain(folder / "curves.jsonl") as stream:
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

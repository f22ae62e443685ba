"""What a planner hands over."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Proposal(BaseModel):
    """A hypothesis with the configuration change that tests it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hypothesis: str = Field(min_length=1, max_length=2000)
    changes: dict[str, Any] = Field(min_length=1)

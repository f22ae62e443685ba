"""A stand-in for the package wandb, which is too large for the tests: it writes down what it is told.

Each run becomes a line of the file that WANDB_STAND_IN names. A file `refuse` beside it makes it fail as W&B does
without a key.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Settings:
    """Takes what it is given."""

    def __init__(self, **settings: Any) -> None:
        """Take all settings."""


class Run:
    """A run that is written down when it is finished."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.history, self.summary = told, list[dict[str, Any]](), dict[str, Any]()

    def log(self, values: dict[str, float], step: int) -> None:
        """Take a point of the history."""
        self.history.append({"step": step, **values})

    def finish(self, exit_code: int) -> None:
        """Write the run down."""
        line = {**self.told, "history": self.history, "summary": self.summary, "exit_code": exit_code}
        with Path(os.environ["WANDB_STAND_IN"]).open("a") as lines:
            lines.write(json.dumps(line, default=str) + "\n")


def init(*, settings: Settings, **told: Any) -> Run:
    """Begin a run."""
    if Path(os.environ["WANDB_STAND_IN"]).with_name("refuse").exists():
        raise RuntimeError("api_key not configured (no-tty). call wandb.login(key=[your_api_key])")
    return Run(told)

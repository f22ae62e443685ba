"""Progress bars of trainings in a terminal, and one line for each finished training."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from agent.base.console import Console
from agent.base.duration import format_duration
from agent.executor.artifacts import read_curves

_TOLD_S = 30.0  # between two lines where there is no terminal


class TrainingProgress:
    """The progress of one training: a bar in a terminal, elsewhere a line at the start and one every half minute."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console, self._steps = console, steps
        columns = TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=steps)
        self._started, self._told = time.monotonic(), -math.inf

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, step: int) -> None:
        """Show that `step` steps are done."""
        self._bar.update(self._task, completed=step)
        now = time.monotonic()
        if self._console.is_terminal or now - self._told < _TOLD_S:
            return
        left = (now - self._started) / step * (self._steps - step) if step else None
        words = "" if left is None else f", about {format_duration(left)} left"
        self._console.print(f"training: step {step:,} of {self._steps:,}{words}")
        self._told = now


class TrainingBars:
    """A bar for all trainings and one per running training, updated by `advance`; no bars without a terminal."""

    def __init__(self, console: Console, count: int) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._all = self._progress.add_task("all trainings", total=count)
        self._running: dict[str, tuple[Path, TaskID]] = {}

    def __enter__(self) -> TrainingBars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start(self, key: str, steps: int, folder: Path, name: str) -> None:
        """Add a bar for a training that writes its curves into `folder`."""
        self._running[key] = folder, self._progress.add_task(name, total=steps)

    def advance(self) -> None:
        """Update the bars."""
        for folder, bar in self._running.values():
            points = read_curves(folder)
            self._progress.update(bar, completed=points[-1].step if points else 0)

    def end(self, key: str, line: str) -> None:
        """Replace a training's bar by a line that stays."""
        self._progress.remove_task(self._running.pop(key)[1])
        self._progress.advance(self._all)
        self._progress.console.print(Text(line), soft_wrap=True)

"""Progress bars of trainings in a terminal, and one line for each finished training."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from agent.base.console import Console
from agent.executor.artifacts import read_curves


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

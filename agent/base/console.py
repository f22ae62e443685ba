"""Terminal output: text as it is, without markup and without characters that would control the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.status import Status
from rich.table import Table
from rich.text import Text

from stoichloop.foreign_text import visible

UNBOUNDED = 32_000  # columns of what is no terminal: a file or a program, for which nothing is cut or wrapped
_BAR = 24  # columns of a bar there


class Console(rich.console.Console):
    """A console for text that others wrote: only the styles that the program gives become escape sequences.

    Lines are as long as they are unless it is a terminal, and end without blanks.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)
        if not self.is_terminal and "width" not in options:
            self.width = UNBOUNDED

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does."""
        if self.is_terminal:
            super().print(*objects, **options)
            return
        with self.capture() as captured:
            super().print(*objects, **options)
        trimmed = Text(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE))
        super().print(trimmed, end="", no_wrap=True, overflow="ignore", crop=False)

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, with each character that is not printed as a visible escape."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def working(self, what: str) -> Status:
        """Return a context that shows what is being done. (`status` would take it for markup.)"""
        return self.status(Text(what))


class FittedTable(Table):
    """A table whose `expand` is for terminals: elsewhere it is as wide as its content."""

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        """Yield the rows."""
        self.expand = self.expand and console.width < UNBOUNDED
        return super().__rich_console__(console, options)


class FittedBar(ProgressBar):
    """A bar as wide as its place in a terminal, and short elsewhere."""

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        """Yield the bar."""
        self.width = _BAR if console.width >= UNBOUNDED else None
        return super().__rich_console__(console, options)

    def __rich_measure__(self, console: rich.console.Console, options: rich.console.ConsoleOptions) -> Measurement:
        """Return the least and the largest width."""
        if console.width >= UNBOUNDED:
            return Measurement(_BAR, _BAR)
        return super().__rich_measure__(console, options)

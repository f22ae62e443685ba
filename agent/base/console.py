"""Terminal output: text as it is, without markup and without characters that would control the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from stoichloop.foreign_text import visible


class Console(rich.console.Console):
    """A console for text that others wrote: only the styles that the program gives become escape sequences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render(
        self, renderable: rich.console.RenderableType, options: rich.console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, with each character that is not printed as a visible escape."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def working(self, what: str) -> Status:
        """Return a context that shows what is being done. (`status` would take it for markup.)"""
        return self.status(Text(what))

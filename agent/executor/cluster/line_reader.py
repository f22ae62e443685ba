"""Reader of whole lines from a pipe, with a time limit."""

from __future__ import annotations

import os
import select

_CHUNK = 65_536


class LineReader:
    """Lines from a pipe; a line is returned once it is complete."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest, self._ended = descriptor, b"", False

    def read(self, seconds: float) -> list[str] | None:
        """Return the lines that have come, waiting `seconds` for the first; None after the end of the pipe."""
        if self._ended:
            return None
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return []
        chunk = os.read(self._descriptor, _CHUNK)
        self._ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode() for line in lines] if chunk else None

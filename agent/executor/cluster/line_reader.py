"""A reader of whole lines from a pipe, which waits for them no longer than it is asked to."""

from __future__ import annotations

import os
import select

_CHUNK = 65_536


class LineReader:
    """What somebody writes into a pipe, a line each; a line is whole or not yet there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest, self._ended = descriptor, b"", False

    def read(self, seconds: float) -> list[str] | None:
        """The lines that have come, after waiting so long for the first; None once there will be no more."""
        if self._ended:
            return None
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return []
        chunk = os.read(self._descriptor, _CHUNK)
        self._ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode() for line in lines] if chunk else None

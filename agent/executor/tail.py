"""The end of what a program wrote: for a person or a model to read."""

from __future__ import annotations

import os
from pathlib import Path

from agent.plain_file import open_plain


def tail_of(file: Path, length: int) -> str:
    """At most the last `length` bytes, as text; raises `OSError` if the file cannot be read."""
    with open_plain(file) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - length))
        return stream.read().decode("utf-8", errors="replace")

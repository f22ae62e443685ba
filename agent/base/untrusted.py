"""Safe reading of files and output that untrusted experiment code may have written."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from stoichloop.foreign_text import visible


def open_plain(path: Path) -> BinaryIO:
    """Open a regular file for reading; raises `OSError` if it is a link or a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return os.fdopen(descriptor, "rb")


def tail_of(file: Path, length: int) -> str:
    """Return at most the last `length` bytes as text; raises `OSError` if the file cannot be read."""
    with open_plain(file) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - length))
        return stream.read().decode("utf-8", errors="replace")


def last_words(output: str) -> str:
    """Return the last line of a process's output, with the place of the error if it is a traceback."""
    lines = visible(output).strip().splitlines()
    places = [line.strip().removesuffix(", in <module>") for line in lines if line.startswith('  File "')]
    return f"{lines[-1]} ({places[-1]})" if lines and places else "".join(lines[-1:])

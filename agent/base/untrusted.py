"""Safe reading of files and output that untrusted experiment code may have written."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

_UNPRINTABLE = re.compile(
    r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


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


def printable(text: str) -> str:
    """Return text without the characters that a terminal, a file or git could not take."""
    return _UNPRINTABLE.sub("", text)


def last_words(output: str) -> str:
    """Return the last line of a process's output, with the place of the error if it is a traceback."""
    lines = printable(output).strip().splitlines()
    places = [line.strip().removesuffix(", in <module>") for line in lines if line.startswith('  File "')]
    return f"{lines[-1]} ({places[-1]})" if lines and places else "".join(lines[-1:])

"""What a process that runs an experiment's code may use up of this machine, with all that it starts."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

import psutil

_GIB = 2**30
_ENTRIES, _BLOCK = 10_000, 512


@dataclass(frozen=True)
class Limits:
    """Limits of one process.

    Attributes:
        memory: bytes. processes: at once.
        file: bytes of one file, and of what is printed. folder: bytes of the folder that it may write.
    """

    memory: int
    processes: int = 128
    file: int = 128 * 2**20
    folder: int = 512 * 2**20

    def overstepped(self, pid: int, folder: Path) -> str | None:
        """Which limit a running process has overstepped, in words, or None."""
        try:
            leader = psutil.Process(pid)
            family = [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            return None
        if len(family) > self.processes:
            return f"it ran more than {self.processes} processes"
        if sum(map(_resident, family)) > self.memory:
            return f"it used more than {self.memory / _GIB:.1f} GiB of memory"
        if _holds_more(folder, self.folder):
            return f"it wrote more than {self.folder / _GIB:.1f} GiB, or {_ENTRIES} files"
        return None

    def impose(self, *, data: bool) -> None:
        """Have the kernel hold this process and its children to what it can count, their memory only if `data`."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.file, self.file))
        if data:
            resource.setrlimit(resource.RLIMIT_DATA, (self.memory, self.memory))


def fair_share(slots: int) -> Limits:
    """The limits of a process that has one of `slots` equal shares of this machine."""
    return Limits(memory=int(0.9 * psutil.virtual_memory().total / slots))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _holds_more(folder: Path, limit: int) -> bool:
    """Whether the files of a folder that somebody may be writing have more than `limit` bytes, or are too many."""
    entries = total = 0
    for place, folders, files in os.walk(folder):
        entries += len(folders) + len(files)
        total += sum(_bytes(Path(place, name)) for name in files)
        if total > limit or entries > _ENTRIES:
            return True
    return False


def _bytes(file: Path) -> int:
    try:
        return file.lstat().st_blocks * _BLOCK
    except OSError:  # it is gone by now
        return 0

"""Resource limits of a process that runs an experiment's code, and of its children."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_GIB = 2**30
_ENTRIES, _DEPTH, _BLOCK = 10_000, 32, 512
_LOOK_S = 0.25
_RESERVE = _GIB // 4  # of the disk, for the ledger, the texts and git


@dataclass(frozen=True)
class Limits:
    """Limits of one process.

    Attributes:
        memory: bytes. tasks: processes and threads at once.
        file: bytes of one file, and of the output. folder: bytes of the folders that it may write, unlinked open files
            included.
    """

    memory: int
    tasks: int = 256
    file: int = 128 * 2**20
    folder: int = 512 * 2**20

    def overstepped(self, pid: int, folders: Sequence[Path]) -> str | None:
        """Describe the limit that a running process has exceeded; None if it keeps all."""
        try:
            leader = psutil.Process(pid)
            family = [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            return None
        if sum(map(_tasks, family)) > self.tasks:
            return f"it ran more than {self.tasks} processes and threads"
        if sum(map(_resident, family)) > self.memory:
            return f"it used more than {self.memory / _GIB:.1f} GiB of memory"
        hidden = sum(_unlinked(process.pid) for process in family)
        written = [_size(folder) for folder in folders]
        if None in written:
            return f"it wrote more than {_ENTRIES} files, or where they cannot be counted"
        if hidden + sum(size or 0 for size in written) > self.folder:
            return f"it wrote more than {self.folder / _GIB:.1f} GiB"
        return None

    def impose(self, *, data: bool) -> None:
        """Set the kernel's limits for this process and its children; of memory only if `data`."""
        bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: self.file}
        if data:
            bounds[resource.RLIMIT_DATA] = self.memory
        for kind, bound in bounds.items():
            _, hard = resource.getrlimit(kind)
            least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (least, least))


class Watch:
    """Periodic check of a running process against its limits."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits, folders: Sequence[Path]) -> None:
        self._process, self._limits, self._folders = process, limits, folders
        self._looked_at = time.monotonic()

    def excess(self) -> str | None:
        """Describe the limit that the process has exceeded; checks at most every 0.25 s, otherwise None."""
        if time.monotonic() < self._looked_at + _LOOK_S:
            return None
        self._looked_at = time.monotonic()
        return self._limits.overstepped(self._process.pid, self._folders)

    def wait(self, seconds: float, tick: Callable[[], None]) -> str | None:
        """Wait for the process to end, calling `tick`; return the reason to stop waiting, None if it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            tick()
            try:
                self._process.wait(_LOOK_S / 10)
            except subprocess.TimeoutExpired:
                if (excess := self.excess()) is not None:
                    return excess
            else:
                return None
        return f"it gave no answer in {seconds:.0f} s"


def fair_share(slots: int) -> Limits:
    """Return the limits of a process that has one of `slots` equal shares of this machine."""
    return Limits(memory=int(0.9 * _memory() / slots))


def lack_of_room(folder: Path, slots: int) -> str | None:
    """Return a message if the disk of `folder` lacks room for trials in `slots`, otherwise None."""
    free, wanted = shutil.disk_usage(folder).free, fair_share(slots).folder * slots + _RESERVE
    if free >= wanted:
        return None
    return f"only {free / _GIB:.1f} GiB are free on the disk of {folder}, where {wanted / _GIB:.1f} are wanted"


def _memory() -> int:
    """Return the bytes of memory of this machine, or the lower limit of a scheduler or container."""
    granted = [psutil.virtual_memory().total]
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, kinds, place = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        root, name = ("memory", "memory.limit_in_bytes") if kinds else ("", "memory.max")
        folder = Path("/sys/fs/cgroup", root)
        for part in (folder / place.lstrip("/"), *(folder / place.lstrip("/")).parents):
            file = part / name
            if part.is_relative_to(folder) and file.is_file() and (text := file.read_text().strip()).isdigit():
                granted.append(int(text))
    return min(granted)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _tasks(process: psutil.Process) -> int:
    try:
        return int(process.num_threads())
    except psutil.Error:
        return 0


def _unlinked(pid: int) -> int:
    """Return the bytes of unlinked files that a process keeps open, in memory or on disk."""
    total = 0
    with suppress(OSError):  # the process has just ended
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # it has just been closed
                status = descriptor.stat()
                total += 0 if status.st_nlink else status.st_blocks * _BLOCK
    return total


def _size(folder: Path) -> int | None:
    """Return the bytes of the files in a folder in use; None if they are too many, too deep or unreadable."""
    entries = total = 0
    left = [(folder, 0)]
    while left:
        place, depth = left.pop()
        try:
            with os.scandir(place) as found:
                for entry in found:
                    entries += 1
                    if entry.is_dir(follow_symlinks=False):
                        left.append((Path(entry.path), depth + 1))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entries > _ENTRIES or depth > _DEPTH:
                        return None
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return total

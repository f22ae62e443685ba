"""Resource limits of a process that runs an experiment's code, and of its children."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psutil

from agent.executor.sandbox.granted import granted_memory

SHARED = 0.9  # of the memory, by all slots
_GIB = 2**30
_ENTRIES, _DEPTH, _BLOCK = 10_000, 32, 512
_DESCRIPTORS = 1024  # each may hold buffers in the kernel
_ADDRESSES = _GIB // 2  # that a process reserves and does not use
_HELD = ("VmRSS", "VmSwap", "VmPTE")  # memory as the kernel accounts for it, in KiB
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

    def overstepped(self, pid: int) -> str | None:
        """Describe the limit of memory or tasks that a running process has exceeded; None if it keeps both."""
        family = _family(pid)
        if sum(map(_tasks, family)) > self.tasks:
            return f"it ran more than {self.tasks} processes and threads"
        if sum(_held(process.pid) for process in family) > self.memory:
            return self.excess_of_memory
        return None

    @property
    def excess_of_memory(self) -> str:
        """Description of too much memory."""
        return f"it used more than {self.memory / _GIB:.1f} GiB of memory"

    def overfilled(self, view: Path) -> str | None:
        """Describe how a process has overfilled a disk of its own; the kernel limits the bytes."""
        disk = os.statvfs(view)
        return f"it wrote more than {_ENTRIES} files" if disk.f_files - disk.f_ffree > _ENTRIES else None

    def overwritten(self, pid: int, folders: Sequence[Path]) -> str | None:
        """Describe the limit of disk space that a running process has exceeded in folders of this machine."""
        written = [_size(folder) for folder in folders]
        if None in written:
            return f"it wrote more than {_ENTRIES} files, or wrote files where they cannot be counted"
        hidden = sum(_unlinked(process.pid) for process in _family(pid))
        if hidden + sum(size or 0 for size in written) > self.folder:
            return f"it wrote more than {self.folder / _GIB:.1f} GiB"
        return None

    def impose(self, *, data: bool, addresses: bool) -> None:
        """Set the kernel's limits for this process and its children.

        `data` limits memory that can be written and belongs to the process, `addresses` all that it may map.
        """
        bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: self.file, resource.RLIMIT_NOFILE: _DESCRIPTORS}
        if data:
            bounds[resource.RLIMIT_DATA] = self.memory
        if addresses:
            bounds[resource.RLIMIT_AS] = self.memory + _ADDRESSES + library_bytes()
        for kind, bound in bounds.items():
            _, hard = resource.getrlimit(kind)
            least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
            resource.setrlimit(kind, (least, least))


@cache
def library_bytes() -> int:
    """Return the bytes of the libraries of torch, all of which a process maps."""
    spec = find_spec("torch")
    packages = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = [file for package in packages for file in package.glob("lib/*.so*")]
    files += [file for package in packages for file in package.parent.glob("nvidia/*/lib/*.so*")]
    return sum(file.stat().st_size for file in files)


def fair_share(slots: int) -> Limits:
    """Return the limits of a process that has one of `slots` equal shares of this machine."""
    return Limits(memory=int(SHARED * granted_memory() / slots))


def lack_of_room(folder: Path, slots: int) -> str | None:
    """Return a message if the disk of `folder` lacks room for trials in `slots`, otherwise None."""
    free, wanted = shutil.disk_usage(folder).free, fair_share(slots).folder * slots + _RESERVE
    if free >= wanted:
        return None
    return f"only {free / _GIB:.1f} GiB are free on the disk of {folder}, but {wanted / _GIB:.1f} are needed"


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _held(pid: int) -> int:
    """Return the bytes of memory that a process holds, swapped out ones and its page tables included."""
    with suppress(OSError):  # the process has just ended
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(_HELD)) * 2**10
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

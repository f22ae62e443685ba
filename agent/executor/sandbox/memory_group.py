"""Cgroups of single commands, by which the kernel limits their memory, whatever kind of memory it is."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import psutil

from agent.executor.sandbox.granted import cgroup_folders

_PREFIX = "stoichloop-"
_NUMBERS = count()
# The limit of memory and then of swap, in version 2 and in version 1; the kernel may lack the second.
_LIMITS = (("memory.max", "memory.swap.max"), ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"))
_EVENTS = ("memory.events", "memory.oom_control")
_TRIES, _PAUSE_S = 100, 0.01  # until the kernel has buried the last process of a group
_TRIAL_BYTES = 2**26


@dataclass(frozen=True)
class MemoryGroup:
    """A cgroup of one command."""

    folder: Path

    @classmethod
    def create(cls, parent: Path, memory: int) -> MemoryGroup:
        """Make a group in `parent` that may use `memory` bytes; raises `OSError` where that is not possible."""
        folder = parent / f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
        folder.mkdir()
        version = next((names for names in _LIMITS if (folder / names[0]).exists()), None)
        if version is None:
            folder.rmdir()
            raise FileNotFoundError(f"{parent} does not limit memory")
        (folder / version[0]).write_text(str(memory))
        with suppress(OSError):
            (folder / version[1]).write_text("0" if version is _LIMITS[0] else str(memory))
        return cls(folder)

    def enter(self) -> None:
        """Move this process into the group."""
        (self.folder / "cgroup.procs").write_text("0")

    def overstepped(self) -> bool:
        """Return whether the kernel has ended a process of the group because of its memory."""
        with suppress(OSError):
            for file in filter(Path.exists, map(self.folder.joinpath, _EVENTS)):
                counts = dict(line.split(" ", 1) for line in file.read_text().splitlines())
                return int(counts.get("oom_kill", 0)) > 0
        return False

    def remove(self) -> None:
        """Remove the group once its processes are gone."""
        for _ in range(_TRIES):
            with suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(_PAUSE_S)


@cache
def group_parent() -> Path | None:
    """Return a cgroup in which this process can make groups and put processes into them, None if there is none.

    Groups that a killed controller has left there are removed.
    """
    for parent in cgroup_folders("memory"):
        try:
            group = MemoryGroup.create(parent, _TRIAL_BYTES)
        except OSError:
            continue
        try:
            subprocess.run(["true"], preexec_fn=group.enter, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        finally:
            group.remove()
        _clear(parent)
        return parent
    return None


def _clear(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            with suppress(OSError):
                folder.rmdir()

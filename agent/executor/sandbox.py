"""Containment of a process that runs an experiment's code: what it sees of this machine.

Bubblewrap gives it namespaces of its own: no network, no other process, a read-only system, this Python, the paths that
it is given at their own places, and nothing else of the disk; it may write into one folder. It ends with its
controller, and whatever it started ends with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from agent.executor.environment import trial_environment
from agent.executor.limits import Limits

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/sys/devices/system")
# No network, no process, user or host but its own; no privilege; it ends with whoever started it.
_APART = ["--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--die-with-parent"]
_DRIVER = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")
_PATIENCE_S = 2.0  # between asking a process to end and ending it
_SHARED_BYTES = 64 * 2**20  # of memory that looks like a disk


@dataclass(frozen=True)
class Job:
    """A command with what it needs.

    Attributes:
        folder: where it runs. reads: what of the disk it sees, beside the system.
        writes: the one folder that it may write. shields: files in there that it may not.
        gpu: the one device that it sees, None for none.
    """

    command: tuple[str, ...]
    folder: Path
    limits: Limits
    reads: tuple[Path, ...]
    writes: Path | None = None
    shields: tuple[Path, ...] = ()
    gpu: str | None = None


@dataclass(frozen=True)
class Sandbox:
    """Starts jobs within bubblewrap, or as processes like any other where `bubblewrap` is None."""

    bubblewrap: Path | None

    def start(
        self, job: Job, *, stdin: int | IO[bytes], stdout: IO[bytes], stderr: int | IO[bytes] = subprocess.STDOUT
    ) -> subprocess.Popen[bytes]:
        """Start a job as the leader of a process group that ends with this process."""
        temporary = {} if job.writes is None else {"TMPDIR": str(job.writes / "tmp")}
        return subprocess.Popen(
            [*self._around(job), *job.command],
            cwd=job.folder,
            env=trial_environment(job.gpu) | temporary,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=partial(_bound, os.getpid(), job),  # noqa: PLW1509 - the controller has one thread
        )

    def _around(self, job: Job) -> list[str]:
        if self.bubblewrap is None:
            return []
        words: list[str] = [str(self.bubblewrap), *_APART]
        for name in _SYSTEM:
            # Where /lib is a link to usr/lib, it stays one.
            place = Path(name)
            words += ["--symlink", str(place.readlink()), name] if place.is_symlink() else _seen(place)
        words += ["--proc", "/proc", "--dev", "/dev", *_devices(job.gpu)]
        words += ["--size", str(_SHARED_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - its own
        words += _seen(*_SETTINGS, *_python(), *_libraries(), *job.reads)
        if job.writes is not None:
            words += ["--bind", str(job.writes), str(job.writes), *_seen(*job.shields)]
        return [*words, "--remount-ro", "/", "--chdir", str(job.folder), "--"]


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the leader of a process group with all that it has started, politely first, then for certain."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)


def _seen(*places: str | Path) -> list[str]:
    """What exists of these is there, to be read only."""
    return [word for place in places for word in ("--ro-bind-try", str(place), str(place))]


def _python() -> list[str]:
    """This Python: the environment, what it was made from, and where its program really is."""
    return sorted({sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent.parent)} - {"/usr"})


def _libraries() -> list[str]:
    return [place for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place.startswith("/")]


def _devices(gpu: str | None) -> list[str]:
    """The device files of one GPU, and where its driver describes it."""
    if gpu is None:
        return []
    files = (f"/dev/nvidia{gpu}", *_DRIVER)
    return [*_seen("/sys"), *(word for file in files for word in ("--dev-bind-try", file, file))]


def _bound(parent: int, job: Job) -> None:
    """In the new process, before it becomes the job: it ends with its parent, and the kernel keeps it within limits."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent was killed before we could ask
        os._exit(1)
    job.limits.impose(data=job.gpu is None)  # the driver of a GPU maps more than it uses

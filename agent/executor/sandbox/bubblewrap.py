"""Containment by bubblewrap of a process that runs an experiment's code.

The process has its own namespaces: no network, no other process. It sees a read-only system, this Python and the paths
that it is given, at their own places, and nothing else of the disk. It may write into its own folders, which lie in
memory and have a bounded size. It is never root, even if the controller is. It ends with its controller, together with
its children.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from agent.executor.sandbox import entry_program
from agent.executor.sandbox.environment import trial_environment
from agent.executor.sandbox.gpu import device_files
from agent.executor.sandbox.limits import Limits, library_bytes
from agent.executor.sandbox.memory_group import MemoryGroup, group_parent
from agent.executor.sandbox.sandboxed_process import SandboxedProcess
from agent.executor.sandbox.seccomp import rule
from agent.executor.sandbox.unprivileged import NOBODY, is_root, namespace_of_all
from stoichloop.errors import StoichloopError

# What a trial must not read: all root packages but gnn, which is the code that it runs.
PACKAGES = ("agent", "memory", "simulator", "stoichloop")
CLONE_PACKAGES = ("benchmarks", "moves", "tests")  # which are in a clone, and are not installed
_PR_SET_PDEATHSIG = 1
_KEYCTL = {"x86_64": 250, "aarch64": 219}.get(platform.machine())  # the number of the system call
_JOIN_SESSION_KEYRING = 1
_LIBC = ctypes.CDLL(None)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/sys/devices/system")
_PARTS = ("bin", "lib", "lib64", "pyvenv.cfg")  # of a Python: its prefix may be a home, or a clone
# No network, no process or host but its own; no privilege; it ends with its parent.
_APART = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
_APART += ["--cap-drop", "ALL", "--die-with-parent"]
_AS_USER = ["--unshare-user", "--disable-userns"]
_AS_ROOT = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--userns"]  # until `entry_program` gives root up
_NO_ZERO = ["--dev-bind", "/dev/null", "/dev/zero"]  # mapped, it is memory that counts as no process's
_OPEN = "0777"
_ENTRY = Path(entry_program.__file__).read_text(encoding="utf-8")  # now: the clone may change while trials run
_SHARED_BYTES = 64 * 2**20  # of memory that looks like a disk


@dataclass(frozen=True)
class SandboxedCommand:
    """A command with what it needs.

    Attributes:
        folder: working directory. reads: visible paths, besides the system.
        writes: folders that it may write; in a sandbox they are empty but for `shields`, files that it may not write.
        gpu: the one visible device, None for none.
    """

    command: tuple[str, ...]
    folder: Path
    limits: Limits
    reads: tuple[Path, ...]
    writes: tuple[Path, ...] = ()
    shields: tuple[Path, ...] = ()
    gpu: str | None = None


@dataclass(frozen=True)
class CommandResult:
    """Result of a finished command: standard output, standard error and exit status.

    `fault` is the reason why it was ended early, None if it was not.
    """

    printed: str
    complaint: str
    status: int
    fault: str | None


@dataclass(frozen=True)
class Sandbox:
    """Starter of commands within bubblewrap, or as ordinary processes if `bubblewrap` is None.

    `hidden` are folders that are empty inside, even if a visible folder contains them. `tick` is called while `ask`
    waits.
    """

    bubblewrap: Path | None
    hidden: tuple[Path, ...] = ()
    tick: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)

    @property
    def memory_limit(self) -> str:
        """Name of what limits the memory of a trial on the CPU."""
        return "cgroup" if group_parent() is not None else "address space"

    def start(
        self,
        job: SandboxedCommand,
        *,
        stdin: int | IO[bytes],
        stdout: int | IO[bytes],
        stderr: int | IO[bytes] = subprocess.STDOUT,
    ) -> SandboxedProcess:
        """Start a job as the leader of a process group that ends with this process."""
        group = _group(job.limits)
        with TemporaryFile() as alone, ExitStack() as on_failure:
            if group is not None:
                on_failure.callback(group.remove)
            alone.write(rule(gpu=job.gpu is not None) or b"")
            alone.seek(0)
            ours = theirs = None
            command: tuple[str, ...] = job.command
            passed: list[int] = []
            if self.bubblewrap is not None:
                ours, theirs = map(on_failure.enter_context, socket.socketpair())
                passed = [alone.fileno(), theirs.fileno(), *([namespace_of_all()] if is_root() else [])]
                command = (*self._around(job, alone.fileno()), *_entry(job, theirs.fileno()))
            addresses = job.gpu is None and group is None
            library_bytes()  # to be known when the new process needs it
            process = subprocess.Popen(
                command,
                cwd=job.folder,
                env=trial_environment(job.gpu, job.writes[0] / "tmp" if job.writes else None),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=passed,
                start_new_session=True,
                preexec_fn=partial(_bound, os.getpid(), job, group, addresses),  # noqa: PLW1509 - it takes no lock that another thread may hold
            )
            on_failure.pop_all()
        if theirs is not None:
            theirs.close()
        return SandboxedProcess(process, job.limits, job.writes, ours, group)

    def ask(self, job: SandboxedCommand, seconds: float, given: str = "") -> CommandResult:
        """Run a job to its end, for `seconds` at most; `given` is its standard input."""
        # Files, not pipes: whatever it prints is bounded.
        with TemporaryFile() as asked, TemporaryFile() as printed, TemporaryFile() as complaint:
            asked.write(given.encode())
            asked.seek(0)
            running = self.start(job, stdin=asked, stdout=printed, stderr=complaint)
            try:
                fault = running.wait(seconds, self.tick)
            finally:
                running.end()
                running.close()
            return CommandResult(_read(printed), _read(complaint), running.process.returncode, fault)

    def _around(self, job: SandboxedCommand, alone: int) -> list[str]:
        """Return the words before a command; `alone` is a file with the seccomp filter, if there is one."""
        words: list[str] = [str(self.bubblewrap), *_APART]
        words += [*_AS_ROOT, str(namespace_of_all())] if is_root() else _AS_USER
        for name in _SYSTEM:
            # Where /lib is a link to usr/lib, it stays one.
            place = Path(name)
            words += ["--symlink", str(place.readlink()), name] if place.is_symlink() else _seen(place)
        words += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev/pts"]
        if job.gpu is None:
            words += _NO_ZERO
        else:
            words += _seen("/sys")
            words += [word for file in device_files(job.gpu) for word in ("--dev-bind-try", str(file), str(file))]
        words += ["--perms", _OPEN, "--size", str(_SHARED_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - its own
        python = [*_python(), *_libraries()]
        words += _seen(*_SETTINGS, *python)
        for folder in self.hidden:
            words += ["--size", str(_SHARED_BYTES), "--tmpfs", str(folder)]
        words += _writable(job)
        words += _seen(*(place for place in python if any(map(place.is_relative_to, self.hidden))), *job.reads)
        words += _links(python)
        for folder in (*self.hidden, Path("/")):
            words += ["--remount-ro", str(folder)]
        words += ["--seccomp", str(alone)] if rule(gpu=False) else []
        return [*words, "--chdir", str(job.folder), "--"]


def hidden_folders(root: Path) -> tuple[Path, ...]:
    """Return the clone in `root`, and the folders of packages of this project that are installed elsewhere.

    Raises `StoichloopError` if one of `PACKAGES` cannot be found: then it could not be hidden.
    """
    folders = [root]
    for package in (*PACKAGES, *CLONE_PACKAGES):
        spec = find_spec(package)
        if spec is None and package in PACKAGES:
            raise StoichloopError(
                f"package '{package}' is not found, so a sandbox cannot hide it from a trial; install stoichloop anew"
            )
        places = map(Path, spec.submodule_search_locations or ()) if spec else ()
        folders += [place for place in places if not place.is_relative_to(root)]
    return tuple(folders)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")


def _seen(*places: Path | str) -> list[str]:
    """Return the options that bind the existing ones of these places read-only, in folders that all may enter."""
    present = [str(place) for place in places if _exists(Path(place))]
    return [word for place in present for word in (*_within(place), "--ro-bind-try", place, place)]


def _within(place: Path | str) -> tuple[str, str]:
    """Return the option that makes the folder of a place; bubblewrap itself would make it for root alone."""
    return "--dir", str(Path(place).parent)


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # in a folder that this user may not enter
        return False


def _python() -> list[Path]:
    """Return the folders of this Python: the environment, its base, and the resolved interpreter's."""
    prefixes = {sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent.parent)} - {"/usr"}
    return [Path(prefix, part) for prefix in sorted(prefixes) for part in _PARTS]


def _libraries() -> list[Path]:
    return [Path(place) for place in os.environ.get("LD_LIBRARY_PATH", "").split(":") if place.startswith("/")]


def _links(python: Sequence[Path]) -> list[str]:
    """Return the options that make the links from `sys.executable` to the interpreter, outside visible folders."""
    words, link = [], Path(sys.executable)
    while link.is_symlink():
        target = link.readlink()
        if not any(map(link.is_relative_to, (*python, *map(Path, _SYSTEM)))):
            words += [*_within(link), "--symlink", str(target), str(link)]
        link = link.parent / target
    return words


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before we could ask
        os._exit(1)


def _bound(parent: int, job: SandboxedCommand, group: MemoryGroup | None, addresses: bool) -> None:
    """Bind the new process, before it becomes the job, to its parent's life and to its limits."""
    die_with_parent(parent)
    if _KEYCTL is not None:  # keys that the kernel holds for the parent's session
        _LIBC.syscall(_KEYCTL, _JOIN_SESSION_KEYRING, None)
    if group is not None:
        group.enter()
    job.limits.impose(data=job.gpu is None, addresses=addresses)  # the driver of a GPU maps more than it uses


def _group(limits: Limits) -> MemoryGroup | None:
    parent = group_parent()
    with suppress(OSError):
        return MemoryGroup.create(parent, limits.memory) if parent is not None else None
    return None


def _entry(job: SandboxedCommand, channel: int) -> list[str]:
    """Return the command that becomes a job within bubblewrap."""
    user = str(NOBODY) if is_root() else ""
    writes, reads = list(map(str, job.writes)), list(map(str, job.reads))
    arguments = [str(channel), user, str(len(writes)), *writes, str(len(reads)), *reads]
    return [sys.executable, "-I", "-S", "-c", _ENTRY, *arguments, *job.command]


def _writable(job: SandboxedCommand) -> list[str]:
    """Return the options that make the folders that a job writes: all on one disk, in memory and of a bounded size.

    The disk is the first folder, and the others are links into it.
    """
    words: list[str] = []
    for number, folder in enumerate(job.writes):
        place = folder if number == 0 else job.writes[0] / f"member{number}"
        if number == 0:
            words += ["--perms", _OPEN, "--size", str(job.limits.folder), "--tmpfs", str(folder)]
            words += ["--perms", _OPEN, "--dir", str(folder / "tmp")]
        else:
            words += ["--perms", _OPEN, "--dir", str(place), *_within(folder), "--symlink", str(place), str(folder)]
        for shield in job.shields:
            if shield.parent == folder:
                words += ["--ro-bind", str(shield), str(place / shield.name)]
    return words

"""The program that `probe` runs inside a sandbox: it tries what must fail and prints which promises hold.

It is run by its text (`python -c`), for inside the sandbox there is no `agent/` to import it from. So it imports
nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

TRUTH = "simulator.generate"  # the module that makes the ground truth
LIBRARIES = ("torch", "torch_geometric", "numpy")
_SEALED = (FileNotFoundError, PermissionError, NotADirectoryError)
_CONNECT_S = 1.0
LIBC, NEW_USERS = ctypes.CDLL(None, use_errno=True), 0x10000000  # CLONE_NEWUSER


def main(own: str, port: str, namespace: str, *secrets: str) -> None:
    """Print as JSON which promises hold.

    `own` is the folder that may be written, `port` one on which the host listens, `namespace` the host's process
    namespace. `secrets` are paths that must not be seen, the first of them in a folder of the host's.
    """
    outside = (str(Path(secrets[0]).parent), sys.prefix, "/", "/usr", "/proc/sys/kernel")
    promises = {
        "files hidden": all(fails(Path(secret).stat, *_SEALED) for secret in secrets) and not is_known(TRUTH),
        "system read-only": all(fails(partial(write, folder, port), OSError) for folder in outside)
        and all(map(is_fixed, mount_points(own))),
        "not root": os.geteuid() != 0 or maps_root_elsewhere(),
        "no network": fails(partial(connect, int(port)), OSError),
        "other processes hidden": str(Path("/proc/self/ns/pid").readlink()) != namespace,
        "no new process": fails(start_another, PermissionError),
        "no new namespace": fails(enter_another, PermissionError),
        "own folder writable": not fails(partial(write, own, port), OSError),
        "libraries there": all(map(is_known, LIBRARIES)),
    }
    print(json.dumps(promises))


def fails(attempt: Callable[[], object], *how: type[OSError]) -> bool:
    """Return whether an attempt raises one of these errors."""
    try:
        attempt()
    except how:
        return True
    return False


def write(folder: str, port: str) -> None:
    """Make a file in a folder and remove it again."""
    path = Path(folder, f".stoichloop-{os.getpid()}-{port}")
    path.open("x").close()
    path.unlink()


def mount_points(own: str) -> list[str]:
    """Return where something is mounted, but for what a process may write: its folder, and its shared memory."""
    written = [line.split(b" ")[4] for line in Path("/proc/self/mountinfo").read_bytes().splitlines()]
    mounted = [os.fsdecode(place.decode("unicode_escape").encode("latin-1")) for place in written]
    return [place for place in mounted if place not in (own, "/dev/shm")]  # noqa: S108 - of a bounded size


def is_fixed(place: str) -> bool:
    """Return whether nothing can be made of a mount point: no file in it, no mode, no content."""
    attempts: list[Callable[[], object]] = [partial(os.chmod, place, Path(place).stat().st_mode & 0o7777)]
    if Path(place).is_dir():
        attempts += [partial(write, place, "")]
    elif Path(place).is_file():
        attempts += [partial(open, place, "r+b")]
    return all(fails(attempt, OSError) for attempt in attempts)


def maps_root_elsewhere() -> bool:
    """Return whether root in here is another user outside, which a namespace of one user is for."""
    return Path("/proc/self/uid_map").read_text().split()[1] != "0"


def enter_another() -> None:
    """Enter a new user namespace."""
    error = ctypes.get_errno() if LIBC.unshare(NEW_USERS) else 0
    if error:
        raise OSError(error, os.strerror(error))


def connect(port: int) -> None:
    """Connect to a port of this machine."""
    socket.create_connection(("127.0.0.1", port), _CONNECT_S).close()


def start_another() -> None:
    """Start another process, which ends at once."""
    if os.fork() == 0:
        os._exit(0)


def is_known(module: str) -> bool:
    """Return whether a module can be found."""
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])

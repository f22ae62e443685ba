"""The user as whom trials run where the controller is root.

Much of a system asks for the number of the user alone: /proc/sys, device files, what root owns. So a trial of root's
must not run as root, not even without capabilities. It runs as a user who owns nothing, in a user namespace that has
the same users as this one: bubblewrap still reads what root can read when it sets up the sandbox.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from functools import cache
from pathlib import Path

NOBODY = 65534  # also the group
_NEW_USERS = 0x10000000  # CLONE_NEWUSER
_LIBC = ctypes.CDLL(None)


def is_root(mapping: Path = Path("/proc/self/uid_map")) -> bool:
    """Return whether this process is root outside its user namespace as well; in a container it may not be."""
    return os.geteuid() == 0 and mapping.read_text().split()[:2] == ["0", "0"]


@cache
def namespace_of_all() -> int:
    """Return a descriptor of a user namespace that has the users of this one; raises `OSError` if it cannot be made."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=_leave) as holder:  # noqa: PLW1509
        place = Path("/proc", str(holder.pid))
        if (place / "ns/user").readlink() == Path("/proc/self/ns/user").readlink():
            raise OSError(errno.EPERM, "this system does not let root create a user namespace")
        for name in ("uid_map", "gid_map"):
            rows = [line.split() for line in Path("/proc/self", name).read_text().splitlines()]
            (place / name).write_text("".join(f"{first} {first} {length}\n" for first, _, length in rows))
        return os.open(place / "ns/user", os.O_RDONLY)


def _leave() -> None:
    _LIBC.unshare(_NEW_USERS)

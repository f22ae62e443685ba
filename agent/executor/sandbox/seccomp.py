"""Seccomp filter for trials: threads are allowed, new processes are not.

Processes are counted only periodically; a fork bomb exhausts the process ids of the machine between two counts.
Training needs no child process. The rule is a program of classic BPF over the
number and the first argument of each system call (seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst).
"""

from __future__ import annotations

import errno
import platform
import struct

_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16  # places in struct seccomp_data
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x00010000
_OTHER_NUMBERING = 0x40000000  # of x32, on x86_64

# What the kernel calls the architecture; the numbers of clone, of fork and vfork where there are such, of clone3.
_CALLS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 56, (57, 58)),
    "aarch64": (0xC00000B7, 220, ()),
}
_CLONE3 = 435


def rule(machine: str = platform.machine()) -> bytes | None:
    """Return the BPF program for an architecture, as bubblewrap takes it; None for an unknown architecture."""
    if machine not in _CALLS:
        return None
    architecture, clone, forks = _CALLS[machine]
    refused = _FAIL | errno.EPERM
    program = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, _NUMBER), (_GREATER, 0, 1, _OTHER_NUMBERING), (_RETURN, 0, 0, refused)]
    for call in forks:
        program += [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, refused)]
    # Its flags lie in memory, where no rule can look: told that there is no such call, libraries use clone.
    program += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _FAIL | errno.ENOSYS)]
    program += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, _FIRST), (_ANY_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, refused)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in program)

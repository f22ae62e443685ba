"""Seccomp filter for trials: threads are allowed, and nothing that undermines the other limits.

Refused are new processes, other namespaces and mounts, the memory and files of other processes, descriptor tables apart
from the process's, families of sockets that no namespace holds, and, in a trial on the CPU, memory that belongs to no
process. Training needs none of it. The rule is a program of classic BPF over the number and the arguments of each
system call (seccomp(2); Linux, Documentation/userspace-api/seccomp_filter.rst).
"""

from __future__ import annotations

import errno
import platform
import struct

_LOAD, _EQUAL, _GREATER, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _THIRD, _FOURTH = 0, 4, 16, 32, 40  # places in struct seccomp_data
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_OTHER_NUMBERING = 0x40000000  # of x32, on x86_64
_THREAD = 0x00010000 | 0x00000400  # CLONE_THREAD with CLONE_FILES: a thread that shares its descriptors
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20
_UNSHARE = 0x2  # CLOSE_RANGE_UNSHARE
_FAMILIES = (1, 2, 10, 16)  # of sockets: unix, IPv4, IPv6 and netlink, all of which a network namespace holds

# The architecture as the kernel calls it, and the numbers of system calls by name.
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
# Memory that no process has mapped, or that counts as shared with others. A driver of GPUs may need it.
_MEMORY_CALLS: dict[str, tuple[int | None, int | None]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
}
_CLONE, _CLONE3, _MMAP, _SOCKET, _SOCKETPAIR, _CLOSE_RANGE = (56, 220), 435, (9, 222), (41, 198), (53, 199), 436

_Program = list[tuple[int, int, int, int]]


def rule(*, gpu: bool, machine: str = platform.machine()) -> bytes | None:
    """Return the BPF program for an architecture, as bubblewrap takes it; None for an unknown architecture."""
    if machine not in _ARCHITECTURES:
        return None
    which = list(_ARCHITECTURES).index(machine)
    program = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, _ARCHITECTURES[machine]), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, _NUMBER), (_GREATER, 0, 1, _OTHER_NUMBERING), _refused(errno.EPERM)]
    for numbers in (_CALLS if gpu else _CALLS | _MEMORY_CALLS).values():
        if (number := numbers[which]) is not None:
            program += [(_EQUAL, 0, 1, number), _refused(errno.EPERM)]
    # Its flags lie in memory, where no rule can look: told that there is no such call, libraries use clone.
    program += [(_EQUAL, 0, 1, _CLONE3), _refused(errno.ENOSYS)]
    program += _where(_CLONE[which], _all_bits(_FIRST, _THREAD, _RETURN_ALLOW, _refused(errno.EPERM)))
    program += _where(_CLOSE_RANGE, _all_bits(_THIRD, _UNSHARE, _refused(errno.EPERM), _RETURN_ALLOW))
    for call in (_SOCKET, _SOCKETPAIR):
        known = [step for family in _FAMILIES for step in ((_EQUAL, 0, 1, family), _RETURN_ALLOW)]
        program += _where(call[which], [(_LOAD, 0, 0, _FIRST), *known, _refused(errno.EAFNOSUPPORT)])
    if not gpu:
        shared = _all_bits(_FOURTH, _MAP_SHARED | _MAP_ANONYMOUS, _refused(errno.EPERM), _RETURN_ALLOW)
        program += _where(_MMAP[which], shared)
    program += [_RETURN_ALLOW]
    return b"".join(struct.pack("=HBBI", *step) for step in program)


_RETURN_ALLOW = (_RETURN, 0, 0, _ALLOW)


def _refused(error: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _FAIL | error)


def _where(number: int, steps: _Program) -> _Program:
    """Return steps that are taken for one system call; the last of them returns."""
    return [(_EQUAL, 0, len(steps), number), *steps]


def _all_bits(
    argument: int, bits: int, then: tuple[int, int, int, int], otherwise: tuple[int, int, int, int]
) -> _Program:
    """Return steps that depend on whether all of some bits are set in an argument."""
    return [(_LOAD, 0, 0, argument), (_AND, 0, 0, bits), (_EQUAL, 0, 1, bits), then, otherwise]

"""Programs that try to get out of the sandbox, or past its limits; each as small as it can be.

A program that gets what it wants prints LOOT. Run by itself, this module tries all of them in the sandbox of this
machine and prints as JSON what does not end as it should.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent.executor.collection import copy_plain
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand
from agent.executor.sandbox.limits import Limits
from agent.executor.sandbox.probe import find_sandbox
from tests.cheats.corpus import LOOT

_START = """
import ctypes, mmap, os, sys, threading, time
out = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    answer = libc.syscall(*arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
def page(place): ctypes.memset(place, 1, 2**27)
"""
_LIMITS = Limits(memory=2**28, folder=2**27)
_PATIENCE_S = 60.0
_REFUSED, _READ_ONLY, _FULL = ("Operation not permitted",), ("Read-only file system",), ("No space left on device",)
_TOO_MUCH = ("more than 0.2 GiB of memory", "MemoryError", "Cannot allocate memory")
_LISTENER = f"stoichloop-{os.getpid()}"
_NUMBERS = "unshare, clone, setns, vm_readv, shmget, range_ = 272, 56, 308, 310, 29, 436\n"
_NUMBERS += 'if os.uname().machine == "aarch64": unshare, clone, setns, vm_readv, shmget = 97, 220, 268, 270, 194\n'


@dataclass(frozen=True)
class Escape:
    """A program, and the words of which its end says at least one."""

    name: str
    code: str
    words: tuple[str, ...]


def opens(file: str, mode: str = "r+b") -> Escape:
    """Open a file of the kernel's for writing."""
    return Escape(f"write {file}", f'open("{file}", "{mode}")', (*_READ_ONLY, "Permission denied", "No such file"))


ESCAPES = [
    opens("/proc/sys/kernel/core_pattern"),
    opens("/proc/sysrq-trigger", "wb"),
    opens("/proc/self/oom_score_adj"),
    opens("/proc/self/mem"),
    opens("/proc/1/mem"),
    Escape(
        "be root",
        'os.setuid(0) if os.getuid() else None\nassert os.getuid(), "LOOT"\nprint("none")',
        (*_REFUSED, "Invalid argument", "none"),
    ),
    Escape("close a device for all", 'os.chmod("/dev/null", 0)', _REFUSED),
    Escape("own a device", 'os.chown("/dev/null", os.getuid(), -1)', (*_REFUSED, *_READ_ONLY)),
    Escape("open the root of the first process", 'os.listdir("/proc/1/root/proc/1/cwd@truth")', ("Errno",)),
    Escape(
        "trace", "assert libc.ptrace(0, 0, 0, 0), 'LOOT'\nraise OSError(1, os.strerror(ctypes.get_errno()))", _REFUSED
    ),
    Escape("read another's memory", _NUMBERS + "call(vm_readv, 1, 0, 0, 0, 0, 0)", _REFUSED),
    Escape("other users", _NUMBERS + "call(unshare, 0x10000000)", _REFUSED),
    Escape("other mounts", _NUMBERS + 'call(setns, os.open("/proc/1", os.O_RDONLY), 0x20000)', _REFUSED),
    Escape("descriptors of its own, by unshare", _NUMBERS + "call(unshare, 0x400)", _REFUSED),
    Escape("descriptors of its own, by close_range", _NUMBERS + "call(range_, 900, 901, 2)", _REFUSED),
    Escape("descriptors of its own, by clone", _NUMBERS + "call(clone, 0x10900, 0, 0, 0, 0)", _REFUSED),
    Escape("descriptors of its own, by clone3", "call(435, 0, 0)", ("Function not implemented",)),
    Escape("another root", "os.chroot(out)", _REFUSED),
    Escape("its own mounts, by a descriptor", 'call(430, b"tmpfs", 0)', _REFUSED),
    Escape(
        "reach the host of a virtual machine",
        "import socket\nsocket.socket(40, socket.SOCK_STREAM)",
        ("not supported",),
    ),
    Escape(
        "reach a socket without a file",
        f'import socket\nsocket.socket(socket.AF_UNIX).connect("\\0{_LISTENER}")\nprint("LOOT")',
        ("Connection refused", "Operation not permitted"),
    ),
    Escape("end all others", 'os.kill(-1, 9)\nprint("alone")', ("No such process", "alone", *_REFUSED)),
    Escape("ask the kernel to open files", "call(425, 1, 0)", _REFUSED),
    Escape("shared memory, dropped", "held = [mmap.mmap(-1, 2**27) for _ in range(16)]\nprint('LOOT')", _REFUSED),
    Escape("memory behind a descriptor", 'os.memfd_create("a")', _REFUSED),
    Escape("memory of the old kind", _NUMBERS + "call(shmget, 0, 2**27, 0o1600)", _REFUSED),
    Escape(
        "memory of a device",
        'mmap.mmap(os.open("/dev/zero", os.O_RDWR), 2**27)',
        ("No such device", "Operation not permitted", "mmap length"),
    ),
    Escape(
        "memory that cannot be written any more",
        "libc.mmap.restype = ctypes.c_void_p\nlibc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + "
        "[ctypes.c_int] * 3 + [ctypes.c_long]\nfor n in range(64):\n"
        "    place = libc.mmap(None, 2**27, 3, 0x22, -1, 0)\n"
        "    if place in (None, 2**64 - 1): raise MemoryError\n"
        "    page(place)\n    libc.mprotect(ctypes.c_void_p(place), 2**27, 1)\nprint('LOOT')",
        _TOO_MUCH,
    ),
    Escape(
        "memory as it comes", "held = [bytearray(os.urandom(1) * 2**26) for _ in range(64)]\nprint('LOOT')", _TOO_MUCH
    ),
    Escape(
        "memory in sockets",
        "import socket\nheld, sent = [], 0\nwhile sent < 2**30:\n"
        "    held.append(socket.socketpair())\n    held[-1][0].setblocking(False)\n"
        "    held[-1][0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)\n"
        "    try:\n        while True: sent += held[-1][0].send(bytes(2**16))\n"
        "    except BlockingIOError: pass\nprint('LOOT')",
        (*_TOO_MUCH, "Too many open files"),
    ),
    Escape(
        "files without a name, held by a mapping",
        'held = []\nfor n in range(8):\n    file = os.open(out + "/a", os.O_RDWR | os.O_CREAT)\n'
        '    for _ in range(126): os.write(file, b"a" * 2**20)\n    held.append(mmap.mmap(file, 4096))\n'
        '    os.unlink(out + "/a")\n    os.close(file)\nprint("LOOT")',
        _FULL,
    ),
    Escape(
        "files in flight",
        "import socket\nends = socket.socketpair()\nfor n in range(8):\n"
        '    file = os.open(out, os.O_RDWR | os.O_TMPFILE)\n    for _ in range(126): os.write(file, b"a" * 2**20)\n'
        '    socket.send_fds(ends[0], [b"a"], [file])\n    os.close(file)\nprint("LOOT")',
        _FULL,
    ),
    Escape(
        "names without end", 'for n in range(10**7):\n    open(f"{out}/{n}", "x").close()', ("more than 10000 files",)
    ),
    Escape(
        "folders without end",
        'os.chdir(out)\nwhile True:\n    os.mkdir("a")\n    os.chdir("a")',
        ("more than 10000 files",),
    ),
]


def end_of(escape: Escape, sandbox: Sandbox) -> str:
    """Run a program and return what it printed and why it was ended."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        command = (sys.executable, "-I", "-S", "-c", _START + escape.code, folder)
        answer = sandbox.ask(SandboxedCommand(command, out, _LIMITS, reads=(), writes=(out,)), _PATIENCE_S)
    return f"{answer.printed} {answer.complaint.splitlines()[-1:]} {answer.fault}"


def what_got_through(sandbox: Sandbox) -> dict[str, str]:
    """Run all, several at once; return the ends of those that do not end as they should."""
    with ThreadPoolExecutor(4) as pool, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{_LISTENER}")
        listener.listen()
        ends = dict(zip(ESCAPES, pool.map(lambda escape: end_of(escape, sandbox), ESCAPES), strict=True))
    held = {escape for escape, end in ends.items() if LOOT not in end and any(word in end for word in escape.words)}
    return {escape.name: end for escape, end in ends.items() if escape not in held}


def what_is_lost(sandbox: Sandbox) -> dict[str, str]:
    """Lock what a program has written from inside; return the locks that keep the controller from it."""
    lost = {}
    for lock in ("os.chmod(out, 0)", "os.chmod(out + '/a', 0)", "os.chmod(out, 0o111)", "os.mkdir(out + '/b', 0)"):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as kept:
            code = f"{_START}open(out + '/a', 'w').write('whole')\n{lock}"
            command = (sys.executable, "-I", "-S", "-c", code, folder)
            job = SandboxedCommand(command, Path(folder), _LIMITS, reads=(), writes=(Path(folder),))
            running = sandbox.start(job, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            running.wait(_PATIENCE_S, lambda: None)
            running.end()
            try:
                copy_plain(running.views()[0] / "a", Path(kept, "a"), 9)
            except OSError as error:
                lost[lock] = str(error)
            running.close()
    return lost


if __name__ == "__main__":
    HOLDING = find_sandbox(Path.cwd())
    WRONG = {"sandbox": HOLDING.reason}
    if HOLDING.holds:
        WRONG = what_got_through(HOLDING.sandbox) | what_is_lost(HOLDING.sandbox)
    print(json.dumps(WRONG))

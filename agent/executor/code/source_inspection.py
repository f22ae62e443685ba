"""Inspection of unreviewed Python source: `source_policy.py`, run in the sandbox."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from agent.base.untrusted import last_words
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand
from agent.executor.sandbox.limits import Limits
from stoichloop.foreign_text import visible

LARGEST_SOURCE = 2_000_000  # bytes of all files of a patch
_PROGRAM = Path(__file__).with_name("source_policy.py")
_TIMEOUT_S = 60.0
_LIMITS = Limits(memory=2**30, file=4 * 2**20)
_REPORT: TypeAdapter[dict[str, tuple[str | None, int]]] = TypeAdapter(dict[str, tuple[str | None, int]])


def refusal_of(sources: Mapping[str, bytes], sandbox: Sandbox, deadline: float = math.inf) -> str | None:
    """Return the reason to refuse these files by the rules for source, None if there is none."""
    if sum(map(len, sources.values())) > LARGEST_SOURCE:
        return f"its files have more than {LARGEST_SOURCE / 1e6:.0f} MB; leave the data out, a trial reads its own"
    try:
        report = _ask(sources, sandbox, deadline)
    except ValueError as error:
        return f"{next(iter(sources))} cannot be inspected, {error}: it may be too long or nested too deeply"
    return next((visible(reason) for reason, _ in report.values() if reason is not None), None)


def count_statements(sources: Mapping[str, bytes], sandbox: Sandbox) -> int:
    """Return the number of statements as Python's parser counts them, documentation strings left out.

    A file that it cannot read has as many as lines.
    """
    try:
        report = _ask(sources, sandbox, math.inf)
    except ValueError:
        report = {}
    unread = (None, 0)
    return sum(report.get(file, unread)[1] or len(source.splitlines()) for file, source in sources.items())


def _ask(sources: Mapping[str, bytes], sandbox: Sandbox, deadline: float) -> dict[str, tuple[str | None, int]]:
    """Return refusal and number of statements of each file; raise `ValueError` if the parser did not end well."""
    if not sources:
        return {}
    seconds = min(_TIMEOUT_S, deadline - time.monotonic())
    command = (sys.executable, "-I", "-S", "-c", _PROGRAM.read_text(encoding="utf-8"))
    # The folder is a place that exists in every sandbox; nothing is read from it.
    job = SandboxedCommand(command, folder=Path("/"), limits=_LIMITS, reads=())
    given = json.dumps({file: source.decode("latin-1") for file, source in sources.items()})
    answer = sandbox.ask(job, max(0.0, seconds), given)
    if answer.fault is not None:
        raise ValueError(answer.fault)
    if answer.status != 0:
        raise ValueError(last_words(answer.complaint)[:200] or f"exit status {answer.status}")
    return _REPORT.validate_json(answer.printed)

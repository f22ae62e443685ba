"""Output that the commands share: notes, JSON, the sentence of a failure, and the end of an interrupted command."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent.base.interruption import Interruption
from stoichloop.errors import StoichloopError

INTERRUPTED = 130  # exit status, by the shells' convention for Ctrl-C


def note(sentence: str, style: str = "bold") -> None:
    """Print one sentence for the user on standard error."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[{style}]stoichloop:[/] {escape(sentence)}", highlight=False)


def print_json(content: Any) -> None:
    """Print facts for a script."""
    print(json.dumps(content, indent=1))


def failure_sentence(error: Exception) -> str | None:
    """Return what to tell the user about an error; None for a defect of the program, which needs its traceback."""
    if isinstance(error, StoichloopError):
        return str(error)
    if isinstance(error, sqlite3.OperationalError):
        return f"the ledger cannot be accessed: {error}; nothing is lost: fix this and rerun the command"
    if isinstance(error, sqlite3.Error):
        return f"the ledger is damaged: {error}; 'stoichloop restore' replaces it by its last good copy"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    from git import GitError

    from agent.base.loop_git import complaint_of

    if isinstance(error, GitError):
        return f"git failed: {complaint_of(error)}"
    return None


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yield a check to call while trials run; end an interrupted command with the shells' exit status."""
    try:
        with Interruption() as interruption:
            yield interruption.check
    except KeyboardInterrupt:
        note("interrupted; finished trials are saved, and rerunning the command continues from there")
        sys.exit(INTERRUPTED)

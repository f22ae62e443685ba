"""Output that the commands share: notes, JSON, the sentence of a failure, and the end of an interrupted command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from agent.base.interruption import Interruption
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from typer.exceptions import TyperException

    from agent.base.console import Console

WRONG_USAGE = 2  # exit status
INTERRUPTED = 130  # exit status, by the shells' convention for Ctrl-C


def prepare_streams() -> None:
    """Make output fit where it goes: a character that it cannot take becomes '?', and NO_COLOR beats FORCE_COLOR."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # none where the user has closed it
            stream.reconfigure(errors="replace")
    if os.environ.get("NO_COLOR"):
        os.environ.pop("FORCE_COLOR", None)


def note(sentence: str, style: str = "bold") -> None:
    """Print one sentence for the user on standard error."""
    from rich.text import Text

    from agent.base.console import Console

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text.assemble(("stoichloop:", style), f" {sentence}"), highlight=False)


def say(text: str) -> None:
    """Print text for the user; what a terminal would not print is visible. For a program there is `--json`."""
    print(visible(text), flush=True)


def page(console: Console, view: RenderableType) -> None:
    """Print a view, through the user's pager where it is longer than the terminal."""
    if not (console.is_terminal and sys.stdin.isatty()):
        console.print(view, crop=False)
        return
    with console.capture() as captured:
        console.print(view, crop=False)
    text = captured.get()
    pager = _pager()
    if text.count("\n") >= console.height and pager and shutil.which(pager[0]):
        # As git does: end at once if it fits, keep colours, leave the text on the screen.
        subprocess.run(pager, input=text, text=True, errors="replace", check=False, env={"LESS": "FRX", **os.environ})
    else:
        console.file.write(text)


def _pager() -> list[str]:
    """Return the command of the user's pager, empty where a quote in it is not closed."""
    try:
        return shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:
        return []


def print_json(content: Any) -> None:
    """Print facts for a script."""
    print(json.dumps(content, indent=1))


def failure_sentence(error: Exception) -> str | None:
    """Return the sentence about an error; None for a defect of the program, which needs its traceback."""
    if isinstance(error, StoichloopError):
        return str(error)
    if isinstance(error, sqlite3.OperationalError):
        return f"the ledger cannot be accessed: {error}; nothing is lost: fix this and rerun the command"
    if isinstance(error, sqlite3.Error):
        return f"the ledger is damaged: {error}; 'stoichloop restore CAMPAIGN' replaces it by its last good copy"
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    from git import GitError

    from agent.base.loop_git import complaint_of

    if isinstance(error, GitError):
        return f"git failed: {complaint_of(error)}"
    return None


def usage_sentence(error: TyperException) -> str:
    """Return the sentence about an unknown command or option, or a value that an option cannot have."""
    told = error.format_message().strip()
    told = re.sub(
        r"^Invalid value for '([^']+)': (?:Input should be|Value must be)", rf"\1{_given(error)} must be", told
    )
    told = told.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    told = re.sub(r", unable to parse .*", "", told).replace(": Value error, ", ": ")
    told = re.sub(r"^Invalid value for '([^']+)':", r"\1:", told).removesuffix(".")
    path = getattr(getattr(error, "ctx", None), "command_path", "stoichloop")
    told = re.sub(r"\. Did you mean (.*)\?$", r"; did you mean \1?", told.removeprefix("Invalid value: "))
    return f"{told[:1].lower()}{told[1:]}; see '{path} --help'"


def _given(error: TyperException) -> str:
    """Return the value that an option cannot have, after a blank; empty where the error does not tell it."""
    from pydantic import ValidationError

    cause = error.__cause__
    value = cause.errors()[0]["input"] if isinstance(cause, ValidationError) else None
    return f" {shlex.quote(visible(value))}".replace("\\", "\\\\") if isinstance(value, str) else ""


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yield a check to call while trials run; end an interrupted command with the shells' exit status."""
    try:
        with Interruption() as interruption:
            yield interruption.check
    except KeyboardInterrupt:
        note("interrupted; finished trials are saved, and rerunning the command continues from there")
        sys.exit(INTERRUPTED)

"""Notifications: a command of the user's that gets a line of JSON when a campaign ends, is stuck or accepts something.

The command runs beside the loop, with a deadline. What goes wrong with it costs a note, and nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from stoichloop.foreign_text import one_line

Occasion = Literal["accepted", "ended", "stuck"]
DEADLINE_S = 30.0
_POLL_S = 0.05
_TAIL_BYTES = 400  # of what a failed command has printed


@dataclass
class _Delivery:
    process: subprocess.Popen[bytes]
    printed: IO[bytes]
    ends_at: float


@dataclass
class Notifier:
    """Runs `command` in a shell for each notification; without a command, does nothing. `note` takes its failures."""

    command: str | None
    note: Callable[[str], None]
    deadline_s: float = DEADLINE_S
    _runs: list[_Delivery] = field(default_factory=list)

    def tell(self, occasion: Occasion, facts: Mapping[str, Any]) -> None:
        """Start the command with a line of JSON on its standard input, without anything that a terminal obeys."""
        if self.command is None:
            return
        shown = {key: one_line(value) if isinstance(value, str) else value for key, value in facts.items()}
        line = json.dumps({"event": occasion, **shown}) + "\n"
        try:
            with tempfile.TemporaryFile() as asked:
                asked.write(line.encode())
                asked.seek(0)
                printed = tempfile.TemporaryFile()  # noqa: SIM115, closed when the command has ended
                process = subprocess.Popen(
                    ["/bin/sh", "-c", self.command],
                    stdin=asked,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            self.note(f"--notify cannot be run: {one_line(str(error))}")
            return
        self._runs.append(_Delivery(process, printed, time.monotonic() + self.deadline_s))

    def poll(self) -> None:
        """Look whether commands have ended, and end those whose time is up."""
        for run in list(self._runs):
            status, late = run.process.poll(), time.monotonic() > run.ends_at
            if status is None and not late:
                continue
            with suppress(ProcessLookupError):  # also what it has left behind
                os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()
            self._runs.remove(run)
            run.printed.seek(0, os.SEEK_END)
            run.printed.seek(max(0, run.printed.tell() - _TAIL_BYTES))
            said = one_line(run.printed.read().decode(errors="replace"))
            run.printed.close()
            if status != 0:
                why = f"took more than {self.deadline_s:g} s" if status is None else f"failed with exit status {status}"
                self.note(f"--notify '{self.command}' {why}{': ' if said else ''}{said}")

    def close(self) -> None:
        """Wait for the commands that still run, each until its deadline."""
        while self._runs:
            self.poll()
            time.sleep(_POLL_S)

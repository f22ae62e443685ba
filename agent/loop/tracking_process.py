"""Controller side of live tracking: starts the process that tells trackers, takes its complaints, and ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agent.base.untrusted import last_words, tail_of
from agent.campaign.folder import CampaignFolder
from agent.executor.cluster.line_reader import LineReader

_MODULE = "agent.export.live_tracking"  # a name: importing it would import the trackers' clients
_POLL_S = 0.05
_ENDING_S = 60.0  # for trackers to take what is left
_TAIL_BYTES = 4096


@dataclass
class TrackingProcess:
    """The process that tells the `targets` of a campaign; none without targets.

    What goes wrong with it is passed to `note`, once for each reason, and harms nothing else.
    """

    campaign: CampaignFolder
    targets: Sequence[str]
    note: Callable[[str], None]
    ending_s: float = _ENDING_S
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _noted: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Start the process."""
        if not self.targets:
            return
        try:
            with (self.campaign.folder / "tracking.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", _MODULE, str(self.campaign.folder), *self.targets],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # what is typed at our terminal is for us
                )
        except OSError as error:
            self._note_once(f"--track cannot be run: {error}")
            return
        assert self._process.stdout is not None
        self._lines = LineReader(self._process.stdout.fileno())

    def poll(self, seconds: float = 0.0) -> None:
        """Take the complaints that have come, waiting `seconds` for the first."""
        if self._process is None:
            return
        lines = self._lines.read(seconds)
        for line in lines or ():
            self._note_once(line)
        if lines is None:  # it has ended
            status = self._process.wait()
            self._release()
            if status:
                self._note_once(f"--track failed and reports no more in this session: {self._last_words()}")

    def close(self) -> None:
        """Let the trackers take what is left, and wait for that."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        deadline = time.monotonic() + self.ending_s
        while self._process is not None and time.monotonic() < deadline:
            self.poll(_POLL_S)
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)  # also what a client has started
            self._process.wait()
            self._release()
            self._note_once(
                f"--track took more than {self.ending_s:g} s to end; 'stoichloop export' adds what is missing"
            )

    def _release(self) -> None:
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout) if process else ():
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _last_words(self) -> str:
        log = self.campaign.folder / "tracking.log"
        try:
            return f"{last_words(tail_of(log, _TAIL_BYTES))}; see {log}"
        except OSError:
            return f"see {log}"

    def _note_once(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self.note(sentence)

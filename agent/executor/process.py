"""One trial's process: started in a group of its own, watched, ended as a group."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from agent.executor.code_state import last_words
from agent.executor.environment import trial_environment
from agent.executor.tail import tail_of
from agent.executor.trial import Outcome, Trial
from memory.records import TrialStatus

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_PATIENCE_S = 2.0
_TAIL_BYTES = 4096
_SIGNALS = {int(known): known.name for known in signal.Signals}
_NON_FINITE = 3  # exit status of gnn.train
_REASON_CHARACTERS = 300


class TrialProcess:
    """A running `python -m gnn.train`."""

    def __init__(self, trial: Trial, code: Path, observations: Path, folder: Path, gpu: str | None) -> None:
        """Start it. `folder` is made for this attempt; what the process prints goes to `stdout.txt` in it."""
        folder.mkdir(parents=True)
        config = folder / "config.json"
        config.write_text(json.dumps(trial.configuration, indent=1), encoding="utf-8")
        self.trial, self.folder, self.started = trial, folder, time.monotonic()
        self._scratch = folder / "tmp"
        self._scratch.mkdir()
        self._closed_at: float | None = None
        self._stdout: IO[bytes] = (folder / "stdout.txt").open("wb")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "gnn.train",
            "--observations",
            observations,
            "--config",
            config,
        ]
        command += ["--out", folder, "--seed", str(trial.seed), "--steps", str(trial.steps)]
        self._process = subprocess.Popen(
            command,
            cwd=code,
            env=trial_environment(gpu) | {"TMPDIR": str(self._scratch)},
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(_die_with_parent, os.getpid()),  # noqa: PLW1509 - the controller has one thread
        )

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Time since the start, until the end."""
        return (self._closed_at or time.monotonic()) - self.started

    def outcome(self, limit_s: float) -> Outcome | None:
        """How it ended, or None while it runs; ends it when it has run for `limit_s` seconds."""
        if self._process.poll() is None:
            if self.seconds < limit_s:
                return None
            self.end()
            return self._told("timed_out", f"stopped at its time limit of {limit_s:.0f} s")
        self.end()  # also whatever the process left running in its group
        status = self._process.returncode
        if status == 0:
            return self._told("completed", "")
        if status == _NON_FINITE:
            return self._told("non_finite", self._last_line())
        if status > 0:
            return self._told("crashed", f"exit status {status}: {self._last_line()}")
        how = _SIGNALS.get(-status, str(-status))
        return self._told("crashed", f"killed by signal {how}: {self._last_line()}", killed=True)

    def end(self) -> None:
        """End the whole process group, politely first, then for certain, and tidy up; once is enough."""
        if self._closed_at is not None:
            return
        end_group(self._process)
        self._closed_at = time.monotonic()
        self._stdout.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _told(self, status: TrialStatus, reason: str, *, killed: bool = False) -> Outcome:
        return Outcome(self.trial, status, reason, self.folder, self.seconds, killed)

    def _last_line(self) -> str:
        """What the process printed last: for a person to read, never parsed."""
        try:
            words = last_words(tail_of(self.folder / "stdout.txt", _TAIL_BYTES))
        except OSError:
            words = ""
        return words[:_REASON_CHARACTERS] or "(it printed nothing)"


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End the leader of a process group with all that it has started, politely first, then for certain."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)


def _die_with_parent(parent: int) -> None:
    """A trial must not outlive a controller that is killed: the kernel sends it SIGKILL then."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before we could ask
        os._exit(1)

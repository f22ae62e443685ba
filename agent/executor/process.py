"""One trial's process: started in a group of its own, watched, ended as a group."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from agent.executor.environment import trial_environment
from agent.executor.trial import Outcome, Trial
from memory.records import TrialStatus

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_TERM_GRACE_S = 2.0
_NON_FINITE = 3  # exit status of gnn.train
_REASON_CHARACTERS = 300


class TrialProcess:
    """A running `python -m gnn.train`."""

    def __init__(self, trial: Trial, code: Path, observations: Path, folder: Path, gpu: int | None) -> None:
        """Start it. `folder` is made for this attempt; what the process prints goes to `stdout.txt` in it."""
        folder.mkdir(parents=True)
        config = folder / "config.json"
        config.write_text(json.dumps(trial.configuration, indent=1), encoding="utf-8")
        self.trial, self.folder, self.started = trial, folder, time.monotonic()
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
            env=trial_environment(gpu),
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the controller has one thread
        )

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self.started

    def outcome(self, limit_s: float) -> Outcome | None:
        """How it ended, or None while it runs; ends it when it has run for `limit_s`."""
        if self._process.poll() is None:
            if self.seconds < limit_s:
                return None
            self.end()
            return self._closed("timed_out", f"stopped at its time limit of {limit_s:.0f} s")
        self.end()  # also whatever the process left running in its group
        status = self._process.returncode
        if status == 0:
            return self._closed("completed", "")
        if status == _NON_FINITE:
            return self._closed("non_finite", self._last_line())
        how = f"killed by signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return self._closed("crashed", f"{how}: {self._last_line()}")

    def end(self) -> None:
        """End the whole process group: politely first, then for certain."""
        for signal_number, patience in ((signal.SIGTERM, _TERM_GRACE_S), (signal.SIGKILL, _TERM_GRACE_S)):
            try:
                os.killpg(self.pid, signal_number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
        self._stdout.close()

    def _closed(self, status: TrialStatus, reason: str) -> Outcome:
        return Outcome(self.trial, status, reason, self.folder, self.seconds)

    def _last_line(self) -> str:
        """The last line that the process printed: for a person to read, never parsed."""
        lines = (self.folder / "stdout.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:_REASON_CHARACTERS] if lines else "(it printed nothing)"


def _die_with_parent() -> None:
    """A trial must not outlive a controller that is killed: the kernel sends it SIGKILL then."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

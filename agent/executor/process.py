"""One trial's process: started in a group of its own, watched, ended as a group."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from agent.executor.limits import Limits, Watch
from agent.executor.sandbox import Job, Sandbox, end_group
from agent.executor.trial import Outcome, Trial
from agent.foreign import last_words, tail_of
from memory.records import TrialStatus

_TAIL_BYTES = 4096
_SIGNALS = {int(known): known.name for known in signal.Signals}
_HANDED_IN = ("config.json", "stdout.txt", "curves.jsonl", "estimate.npz")
_AT_ONCE = 500
_NON_FINITE = 3  # exit status of gnn.train
_SIGNALLED = 128  # added to the signal that ended it by whatever contains it
_REASON_CHARACTERS = 300


class TrialProcess:
    """A running `python -m gnn.train`."""

    def __init__(
        self,
        trial: Trial,
        code: Path,
        observations: Path,
        folder: Path,
        gpu: str | None,
        sandbox: Sandbox,
        limits: Limits,
    ) -> None:
        """Start it. `folder` is made for this attempt; what the process prints goes to `stdout.txt` in it."""
        folder.mkdir(parents=True)
        config = folder / "config.json"
        config.write_text(json.dumps(trial.configuration, indent=1), encoding="utf-8")
        self.trial, self.folder, self.started = trial, folder, time.monotonic()
        (folder / "tmp").mkdir()
        self._closed_at: float | None = None
        printed = folder / "stdout.txt"
        self._stdout: IO[bytes] = printed.open("wb")
        command = [sys.executable, "-m", "gnn.train", "--observations", str(observations), "--config", str(config)]
        command += ["--out", str(folder), "--seed", str(trial.seed), "--steps", str(trial.steps)]
        if gpu is not None:  # which it must not quietly do without
            command += ["--device", "cuda"]
        job = Job(
            tuple(command),
            folder=code,
            limits=limits,
            reads=(code / "gnn", observations),
            writes=folder,
            shields=(config, printed),
            gpu=gpu,
        )
        self._process = sandbox.start(job, stdin=subprocess.DEVNULL, stdout=self._stdout)
        self._watch = Watch(self._process, limits, folder)

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
        status = self._process.poll()
        if status is None and self.seconds < limit_s:
            excess = self._watch.excess()
            if excess is None:
                return None
            self.end()
            return self._told("crashed", f"stopped: {excess}")
        self.end()  # also whatever the process left running in its group
        return self._ended(status, limit_s)

    def _ended(self, status: int | None, limit_s: float) -> Outcome:
        """How a process ended by its exit status, or by the clock."""
        if status is None:
            return self._told("timed_out", f"stopped at its time limit of {limit_s:.0f} s")
        if status == 0:
            return self._told("completed", "")
        if status == _NON_FINITE:
            return self._told("non_finite", self._last_line())
        how = _SIGNALS.get(-status if status < 0 else status - _SIGNALLED)
        if how is None:
            return self._told("crashed", f"exit status {status}: {self._last_line()}")
        return self._told("crashed", f"killed by signal {how}: {self._last_line()}", killed=True)

    def end(self) -> None:
        """End the whole process group, politely first, then for certain, and tidy up; once is enough.

        Of what it leaves behind, plain files of the names that a trial hands in stay, and nothing else.
        """
        if self._closed_at is not None:
            return
        end_group(self._process)
        self._closed_at = time.monotonic()
        self._stdout.close()
        kept = [path for path in map(self.folder.joinpath, _HANDED_IN) if path.is_file() and not path.is_symlink()]
        for path in kept:
            path.chmod(0o644)
        strange = [str(path) for path in self.folder.iterdir() if path not in kept]
        # Not by shutil, which calls itself for each folder in a folder: there may be any number.
        for first in range(0, len(strange), _AT_ONCE):
            command = ["rm", "-rf", "--", *strange[first : first + _AT_ONCE]]
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL)

    def _told(self, status: TrialStatus, reason: str, *, killed: bool = False) -> Outcome:
        return Outcome(self.trial, status, reason, self.folder, self.seconds, killed)

    def _last_line(self) -> str:
        """What the process printed last: for a person to read, never parsed."""
        try:
            words = last_words(tail_of(self.folder / "stdout.txt", _TAIL_BYTES))
        except OSError:
            words = ""
        return words[:_REASON_CHARACTERS] or "(it printed nothing)"

"""The process of one trial, or of several that train together: started in a group of its own, watched, ended so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from agent.base.untrusted import last_words, tail_of
from agent.executor.artifacts import CONFIG, ESTIMATE, HANDED_IN, NON_FINITE, PRINTED
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand, end_group
from agent.executor.sandbox.limits import Limits, Watch
from agent.executor.trial import Job, Outcome
from memory.records import TrialStatus

_TAIL_BYTES = 4096
_SIGNALS = {int(known): known.name for known in signal.Signals}
_AT_ONCE = 500
_SIGNALLED = 128  # added to the signal that ended it by whatever contains it
_REASON_CHARACTERS = 300


class TrialProcess:
    """A running `python -m gnn.train`.

    `members` are its trials, of the same code and number of steps, each with a folder for this attempt at it.
    """

    def __init__(
        self,
        members: Sequence[tuple[Job, Path]],
        code: Path,
        observations: Path,
        gpu: str | None,
        sandbox: Sandbox,
        limits: Limits,
        limit_s: float,
    ) -> None:
        """Start it. The folders are made; what the process prints goes to `stdout.txt` in each of them.

        It may run for `limit_s` seconds.
        """
        self.members, self.started, self.limit_s = tuple(members), time.monotonic(), limit_s
        self._folders = tuple(folder for _, folder in members)
        for job, folder in members:
            folder.mkdir(parents=True)
            (folder / CONFIG).write_text(json.dumps(job.configuration, indent=1), encoding="utf-8")
            (folder / "tmp").mkdir()
        self._closed_at: float | None = None
        self._printed = self._folders[0] / PRINTED
        self._stdout: IO[bytes] = self._printed.open("wb")
        command = [sys.executable, "-m", "gnn.train", "--observations", str(observations)]
        command += ["--steps", str(self.members[0][0].steps), *_arguments(self.members)]
        if gpu is not None:  # which it must not quietly do without
            command += ["--device", "cuda"]
        sandboxed = SandboxedCommand(
            tuple(command),
            folder=code,
            limits=limits,
            reads=(code / "gnn", observations),
            writes=self._folders,
            shields=(*(folder / CONFIG for folder in self._folders), self._printed),
            gpu=gpu,
        )
        self._process = sandbox.start(sandboxed, stdin=subprocess.DEVNULL, stdout=self._stdout)
        self._watch = Watch(self._process, limits, self._folders)

    @property
    def pid(self) -> int:
        """Return the id of the process, which leads its group."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Time since the start, until the end."""
        return (self._closed_at or time.monotonic()) - self.started

    def outcomes(self) -> list[Outcome] | None:
        """Return the outcome of each job, or None while they run; end them at their time limit."""
        status = self._process.poll()
        if status is None and self.seconds < self.limit_s:
            excess = self._watch.excess()
            if excess is None:
                return None
            self.end()
            return self._told("crashed", f"stopped: {excess}")
        self.end()  # also whatever the process left running in its group
        return self._ended(status)

    def _ended(self, status: int | None) -> list[Outcome]:
        """Return the outcomes by exit status, None standing for the time limit."""
        if status is None:
            return self._told("timed_out", f"stopped at its time limit of {self.limit_s:.0f} s")
        if status == 0:
            return self._told("completed", "")
        if status == NON_FINITE:
            # Of several, those that came to a good end have handed in what they found.
            lost = self._told("non_finite", self._last_line())
            sound = self._told("completed", "")
            found = [(folder / ESTIMATE).is_file() and len(lost) > 1 for folder in self._folders]
            return [one if good else other for good, one, other in zip(found, sound, lost, strict=True)]
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
        for folder in self._folders:
            _tidy(folder)
            if folder != self._folders[0] and not (folder / PRINTED).exists():
                os.link(self._printed, folder / PRINTED)

    def _told(self, status: TrialStatus, reason: str, *, killed: bool = False) -> list[Outcome]:
        share = self.seconds / len(self.members)
        return [Outcome(status, reason, folder, share, killed) for folder in self._folders]

    def _last_line(self) -> str:
        """Return the last line of the output: for users to read, never parsed."""
        try:
            words = last_words(tail_of(self._printed, _TAIL_BYTES))
        except OSError:
            words = ""
        return words[:_REASON_CHARACTERS] or "(it printed nothing)"


def _arguments(members: Sequence[tuple[Job, Path]]) -> list[str]:
    """Return the arguments for the jobs. Code that cannot train several rejects `--member`."""
    if len(members) == 1:
        ((job, folder),) = members
        return ["--config", str(folder / CONFIG), "--out", str(folder), "--seed", str(job.seed)]
    told = ((str(folder / CONFIG), str(job.seed), str(folder)) for job, folder in members)
    return [word for three in told for word in ("--member", *three)]


def _tidy(folder: Path) -> None:
    """Leave plain files of the names that a trial hands in, and nothing else."""
    kept = [path for path in map(folder.joinpath, HANDED_IN) if path.is_file() and not path.is_symlink()]
    for path in kept:
        path.chmod(0o644)
    strange = [str(path) for path in folder.iterdir() if path not in kept]
    # Not by shutil, which calls itself for each folder in a folder: there may be any number.
    for first in range(0, len(strange), _AT_ONCE):
        command = ["rm", "-rf", "--", *strange[first : first + _AT_ONCE]]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)

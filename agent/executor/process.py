"""The process of one trial, or of several that train together: started in a group of its own, watched, ended so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from agent.base.untrusted import last_words, tail_of
from agent.executor.artifacts import CONFIG, CURVES, CURVES_BYTES, ESTIMATE, NON_FINITE, PRINTED
from agent.executor.collection import copy_plain, tidy
from agent.executor.sandbox.bubblewrap import Sandbox, SandboxedCommand
from agent.executor.sandbox.limits import Limits
from agent.executor.trial import Job, Outcome
from memory.records import Device, TrialStatus

_TAIL_BYTES = 4096
_SIGNALS = {int(known): known.name for known in signal.Signals}
_LOOK_S = 1.0  # between two looks at the curves of a running trial
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
        self._limits = limits
        self._device: Device = "cpu" if gpu is None else "gpu"
        self._folders = tuple(folder for _, folder in members)
        self._contained = sandbox.bubblewrap is not None
        for job, folder in members:
            folder.mkdir(parents=True)
            (folder / CONFIG).write_text(json.dumps(job.configuration, indent=1), encoding="utf-8")
            (folder / CONFIG).chmod(0o644)
            if not self._contained:
                (folder / "tmp").mkdir()
        self._closed_at: float | None = None
        self._unkept = ""  # why what it left cannot be kept
        self._looked_at, self._seen = self.started, dict[Path, tuple[int, int]]()
        self._printed = self._folders[0] / PRINTED
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
            shields=tuple(folder / CONFIG for folder in self._folders),
            gpu=gpu,
        )
        with self._printed.open("wb") as printed:
            self._scribe = _scribe(printed, limits.file) if self._contained else None
            told = printed if self._scribe is None else self._scribe.stdin
            assert told is not None
            with told:
                self._running = sandbox.start(sandboxed, stdin=subprocess.DEVNULL, stdout=told)

    @property
    def pid(self) -> int:
        """Return the id of the process, which leads its group."""
        return self._running.process.pid

    @property
    def seconds(self) -> float:
        """Time since the start, until the end."""
        return (self._closed_at or time.monotonic()) - self.started

    def outcomes(self) -> list[Outcome] | None:
        """Return the outcome of each job, or None while they run; end them at their time limit."""
        status = self._running.process.poll()
        if status is None and self.seconds < self.limit_s:
            excess = self._running.excess()
            if excess is None:
                self._show_curves()
                return None
        else:
            excess = self._running.exhausted()
        self.end()  # also whatever the process left running in its group
        fault = self._unkept or excess
        return self._told("crashed", f"stopped: {fault}") if fault else self._ended(status)

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
        """End the whole process group, politely first, then for certain, and keep its results; once is enough.

        Plain files with the names of results stay, and nothing else.
        """
        if self._closed_at is not None:
            return
        self._running.end()
        self._closed_at = time.monotonic()
        if self._scribe is not None:
            self._scribe.wait()  # it ends when all of a contained trial has ended
        try:
            for folder, view in zip(self._folders, self._running.views(), strict=False):
                self._keep(folder, view)
        except OSError as error:
            self._unkept = f"its results cannot be kept: {error}"
        finally:
            self._running.close()
            for folder in self._folders[1:]:
                with suppress(FileExistsError):
                    os.link(self._printed, folder / PRINTED)

    def _keep(self, folder: Path, view: Path) -> None:
        if not self._contained:
            tidy(folder)
            return
        for name, most in ((CURVES, CURVES_BYTES), (ESTIMATE, self._limits.file)):
            if (view / name).is_file() and not (view / name).is_symlink():
                copy_plain(view / name, folder / name, most)

    def _show_curves(self) -> None:
        """Bring the curves of a contained trial to its folders, where users follow them."""
        if not self._contained or time.monotonic() < self._looked_at + _LOOK_S:
            return
        self._looked_at = time.monotonic()
        for folder, view in zip(self._folders, self._running.views(), strict=False):
            with suppress(OSError):  # there is none yet
                found = (view / CURVES).lstat()
                if self._seen.get(folder) != (state := (found.st_size, found.st_mtime_ns)):
                    copy_plain(view / CURVES, folder / CURVES, CURVES_BYTES)
                    self._seen[folder] = state

    def _told(self, status: TrialStatus, reason: str, *, killed: bool = False) -> list[Outcome]:
        share = self.seconds / len(self.members)
        return [Outcome(status, reason, folder, share, killed, device=self._device) for folder in self._folders]

    def _last_line(self) -> str:
        """Return the last line of the output: for users to read, never parsed."""
        try:
            words = last_words(tail_of(self._printed, _TAIL_BYTES))
        except OSError:
            words = ""
        return words[:_REASON_CHARACTERS] or "(it printed nothing)"


def _scribe(file: IO[bytes], most: int) -> subprocess.Popen[bytes]:
    """Start a process that copies its input to a file: through a pipe a trial cannot rewrite earlier output."""
    return subprocess.Popen(["head", "-c", str(most)], stdin=subprocess.PIPE, stdout=file, start_new_session=True)


def _arguments(members: Sequence[tuple[Job, Path]]) -> list[str]:
    """Return the arguments for the jobs. Code that cannot train several rejects `--member`."""
    if len(members) == 1:
        ((job, folder),) = members
        return ["--config", str(folder / CONFIG), "--out", str(folder), "--seed", str(job.seed)]
    told = ((str(folder / CONFIG), str(job.seed), str(folder)) for job, folder in members)
    return [word for three in told for word in ("--member", *three)]

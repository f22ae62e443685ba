"""A running command: its process, the folders that it writes, and what the kernel says of its memory."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from agent.executor.sandbox.limits import Limits
from agent.executor.sandbox.memory_group import MemoryGroup

_PATIENCE_S = 2.0  # between asking a process to end and ending it
_LOOK_S = 0.25
_MOST_DESCRIPTORS = 253  # that the kernel sends at once


class SandboxedProcess:
    """A process group that is watched: its limits are checked, and in the end nothing of it is left."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        folders: Sequence[Path],
        channel: socket.socket | None,
        group: MemoryGroup | None,
    ) -> None:
        """Watch a process that writes `folders`: if it has a `channel`, on a disk of its own.

        Through the channel it sends descriptors of these folders. `group` is the cgroup that it runs in.
        """
        self.process, self._limits, self._folders = process, limits, list(folders)
        self._channel, self._group, self._descriptors = channel, group, list[int]()
        self._looked_at = time.monotonic()
        if channel is not None:
            channel.setblocking(False)  # `recv_fds` ignores MSG_DONTWAIT in some versions of Python

    def views(self) -> list[Path]:
        """Return its folders as this process sees them: none before it has begun, or after `close`."""
        if self._channel is None:
            return self._folders
        if not self._descriptors:
            self._descriptors = _received(self._channel)
        return [Path(f"/proc/self/fd/{descriptor}") for descriptor in self._descriptors]

    def excess(self) -> str | None:
        """Describe the limit that the process has exceeded; checks at most every 0.25 s, otherwise None."""
        if time.monotonic() < self._looked_at + _LOOK_S:
            return None
        self._looked_at = time.monotonic()
        if self._channel is None:
            overdone = self._limits.overwritten(self.process.pid, self._folders)
        else:
            overdone = next((self._limits.overfilled(view) for view in self.views()), None)
        return overdone or self._limits.overstepped(self.process.pid)

    def wait(self, seconds: float, tick: Callable[[], None]) -> str | None:
        """Wait for the process to end, calling `tick`; return the reason to stop waiting, None if it has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            tick()
            try:
                self.process.wait(_LOOK_S / 10)
            except subprocess.TimeoutExpired:
                if (excess := self.excess()) is not None:
                    return excess
            else:
                return self.exhausted()
        return f"it gave no answer in {seconds:.0f} s"

    def exhausted(self) -> str | None:
        """Describe that the kernel has ended the process because of its memory; None if it has not."""
        return self._limits.excess_of_memory if self._group is not None and self._group.overstepped() else None

    def end(self) -> None:
        """End the process group. What it has written can be read until `close`."""
        end_group(self.process)
        self.views()
        for descriptor in self._descriptors:
            with suppress(OSError):  # the folder may be another user's, who cannot keep it from root
                os.fchmod(descriptor, stat.S_IRWXU)

    def close(self) -> None:
        """Release its disk in memory and its cgroup."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
        if self._channel is not None:
            self._channel.close()
        if self._group is not None:
            self._group.remove()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process group: SIGTERM, then SIGKILL."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)


def _received(channel: socket.socket) -> list[int]:
    """Return the descriptors that have been sent: none if nothing has been, yet or at all."""
    try:
        _, descriptors, _, _ = socket.recv_fds(channel, 1, _MOST_DESCRIPTORS)
    except BlockingIOError:
        return []
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return descriptors

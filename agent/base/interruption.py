"""Uniform handling of SIGINT, SIGTERM and SIGHUP: each raises `KeyboardInterrupt`."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Context in which those signals raise `KeyboardInterrupt` with the name of the signal; `check` raises it again.

    Python drops an exception that a signal raises inside a finaliser, of which Git's and subprocess's objects
    have many. Code that waits in a loop calls `check`, so that the signal is not lost.
    """

    def __init__(self) -> None:
        self._asked: str | None = None

    def __enter__(self) -> Interruption:
        # Under nohup, SIGHUP is ignored already, and stays so.
        wanted = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._interrupt) for number in wanted}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        self._asked = signal.Signals(number).name
        raise KeyboardInterrupt(self._asked)

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if a signal has asked for it."""
        if self._asked:
            raise KeyboardInterrupt(self._asked)

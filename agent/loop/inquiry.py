"""A question to a planner that waits for others, asked in a thread of its own while trials run.

The ledger, git and the checkouts stay with the main thread: the thread hands over each call of the campaign, and the
main thread performs it when it polls.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

from agent.planner.contract import CallLog, PlannerHost, Situation

R = TypeVar("R")

_ENDING_S = 10.0  # for a thread to end what it has begun
_POLL_S = 0.05
_NEWEST = 0.3  # weight of the newest answer in the usual time


@dataclass
class _Relay:
    """Calls of one thread, performed by another. Once it is `over`, the first one has to end."""

    over: threading.Event = field(default_factory=threading.Event)
    _calls: SimpleQueue[Callable[[], None]] = field(default_factory=SimpleQueue)

    def call(self, function: Callable[[], R]) -> R:
        """Have a function called, and return its result or raise its error."""
        found: Future[R] = Future()

        def perform() -> None:
            try:
                found.set_result(function())
            except BaseException as error:
                found.set_exception(error)
                if not isinstance(error, Exception):  # a signal, which is for the thread that performs
                    raise

        self._calls.put(perform)
        return found.result()

    def check(self) -> None:
        """Raise `KeyboardInterrupt` once it is over."""
        if self.over.is_set():
            raise KeyboardInterrupt("the question is not wanted any more")

    def perform(self, seconds: float = 0.0) -> None:
        """Perform the calls that have been handed over, and those that are within some seconds."""
        end = time.monotonic() + seconds
        while True:
            try:
                call = self._calls.get(timeout=max(0.0, end - time.monotonic()))
            except Empty:
                return
            call()


class _Relayed:
    """An object of the campaign for another thread: each of its methods is called through a relay.

    A `kept` one can be called even when the answer is not wanted any more.
    """

    def __init__(self, target: object, relay: _Relay, *, kept: bool = False) -> None:
        self._target, self._relay, self._kept = target, relay, kept

    def check(self) -> None:
        """See `PlannerHost`: a flag ends a thread, since signals reach the main thread alone."""
        self._relay.check()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if not self._kept:
                self._relay.check()
            return self._relay.call(partial(method, *arguments, **named))

        return call


@dataclass
class AnswerTimes:
    """Usual times of answers with proposals, the newest counting most: of a whole one, and for each proposal in it."""

    answer_s: float = 0.0
    proposal_s: float = math.inf

    def add(self, seconds: float, proposals: int) -> None:
        """Count an answer."""
        each, known = seconds / max(1, proposals), math.isfinite(self.proposal_s)
        self.answer_s = _NEWEST * seconds + (1 - _NEWEST) * self.answer_s if known else seconds
        self.proposal_s = _NEWEST * each + (1 - _NEWEST) * self.proposal_s if known else each


class Inquiry(Generic[R]):
    """A question that is out. `about` is the block that it asks to explain, None for one for proposals."""

    def __init__(self, ask: Callable[[Situation], R], situation: Situation, about: int | None = None) -> None:
        """Ask, in a thread of its own."""
        self.about, self._ask, self._began = about, ask, time.monotonic()
        self._relay = relay = _Relay()
        # A call that has ended is kept, whatever becomes of its answer.
        host, log = _Relayed(situation.host, relay), _Relayed(situation.call_log, relay, kept=True)
        self._situation = replace(situation, host=cast("PlannerHost", host), call_log=cast("CallLog", log))
        self._answer: R | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="inquiry", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = self._ask(self._situation)
        except BaseException as error:  # raised by the main thread, in `answer`
            self._error = error

    @property
    def seconds(self) -> float:
        """Return for how long it has been out."""
        return time.monotonic() - self._began

    def poll(self) -> bool:
        """Perform what it asks of the campaign; return whether it has been answered."""
        self._relay.perform()
        return not self._thread.is_alive()

    def attend(self, seconds: float) -> None:
        """Let some seconds pass, and perform at once what it asks of the campaign, which may be much."""
        self._relay.perform(seconds)

    def answer(self) -> R:
        """Return the answer, or raise the error that ended it."""
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]

    def stop(self) -> None:
        """End it within seconds; its calls are kept, its answer is not."""
        self._relay.over.set()
        deadline = time.monotonic() + _ENDING_S
        while not self.poll() and time.monotonic() < deadline:
            self._thread.join(_POLL_S)

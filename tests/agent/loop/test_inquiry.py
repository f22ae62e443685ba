"""Questions that are out while the main thread does something else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from agent.executor.code.code_state import CodeState
from agent.loop.inquiry import Inquiry
from agent.planner.contract import Objection, Situation
from memory.records import Call
from stoichloop.errors import StoichloopError
from tests.agent.experiments import scored, situation
from tests.agent.hosts import Calls, Campaign
from tests.conftest import ROOT, UNCONTAINED

CALL = Call("llm", "a model", "", 1, 1, 0.0, 1.0, "interrupted", 0.0)
BASELINE = scored("e0001", [0.3], block=0)


def out(ask: Callable[[Situation], Any], **host: Any) -> tuple[Inquiry[Any], Calls]:
    """Ask a question; return it with the calls of the campaign that it belongs to."""
    state = CodeState(ROOT, UNCONTAINED, declared="{}")
    asked = replace(situation(state, [BASELINE], []), host=Campaign(state, **host))
    assert isinstance(asked.call_log, Calls)
    return Inquiry(ask, asked), asked.call_log


def answer(inquiry: Inquiry[Any]) -> Any:
    deadline = time.monotonic() + 10.0
    while not inquiry.poll():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return inquiry.answer()


def test_what_a_planner_asks_of_the_campaign_is_done_by_the_main_thread() -> None:
    threads = list[threading.Thread]()

    def objection(_: Any) -> Objection:
        threads.append(threading.current_thread())
        return Objection("known")

    def ask(given: Situation) -> tuple[Any, ...]:
        threads.append(threading.current_thread())
        given.call_log.add_call(CALL)
        given.host.note("a sentence")
        host: Any = given.host
        return given.host.curve_of(BASELINE), given.call_log.calls(), host.objection(None)

    inquiry, calls = out(ask, objections=objection, curve=(0.5,))
    curve, calls_told, known = answer(inquiry)
    assert ([point.loss_pred for point in curve], calls_told, known) == ([0.5], [CALL], Objection("known"))
    assert calls.made == [CALL]
    asker, performer = threads
    assert asker is not performer
    assert performer is threading.main_thread()


def test_a_planner_that_looks_at_hundreds_of_experiments_does_not_wait_for_the_clock_at_each() -> None:
    def ask(given: Situation) -> int:
        return sum(len(given.host.curve_of(BASELINE)) for _ in range(500))

    inquiry, _ = out(ask, curve=(0.5,))
    began = time.monotonic()
    while not inquiry.poll():
        inquiry.attend(0.1)
    assert inquiry.answer() == 500
    assert time.monotonic() - began < 5.0


def test_an_error_of_the_planner_is_raised_where_the_answer_is_taken() -> None:
    def ask(_: Situation) -> None:
        raise StoichloopError("it does not work")

    with pytest.raises(StoichloopError, match="it does not work"):
        answer(out(ask)[0])


def test_an_error_of_the_campaign_is_raised_in_the_planner() -> None:
    def refuse(_: Any) -> Objection:
        raise StoichloopError("no such parent")

    def ask(given: Situation) -> str:
        host: Any = given.host
        with pytest.raises(StoichloopError, match="no such parent"):
            host.objection(None)
        return "gone on"

    assert answer(out(ask, objections=refuse)[0]) == "gone on"


def test_a_signal_reaches_the_main_thread_and_the_planner() -> None:
    def interrupt(_: Any) -> Objection:
        raise KeyboardInterrupt("SIGINT")

    def ask(given: Situation) -> Any:
        host: Any = given.host
        return host.objection(None)

    inquiry, _ = out(ask, objections=interrupt)
    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        answer(inquiry)
    inquiry.stop()
    assert inquiry.poll()


def test_a_question_that_is_not_wanted_any_more_ends_at_once_and_its_call_is_kept() -> None:
    waiting = threading.Event()

    def ask(given: Situation) -> None:
        try:
            while True:
                waiting.set()
                given.host.check()
                time.sleep(0.001)
        finally:
            given.call_log.add_call(CALL)

    inquiry, calls = out(ask)
    assert waiting.wait(10.0)
    began = time.monotonic()
    inquiry.stop()
    assert time.monotonic() - began < 5.0
    assert inquiry.poll()
    assert calls.made == [CALL]
    with pytest.raises(KeyboardInterrupt):
        inquiry.answer()

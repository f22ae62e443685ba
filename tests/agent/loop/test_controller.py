"""The memory of a controller between two questions to a planner: what came of the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from agent.executor.workspace import Workspace
from agent.loop.controller import Controller
from agent.planner.contract import Lesson, Rung, Situation
from agent.planner.proposal import Proposal
from memory.records import Call, Decision, Verdict
from simulator.dataset import Dataset
from tests.agent.loop.test_siblings import controller_of
from tests.agent.winners.nights import Night

CALL = Call("asker", "a model", "", 1, 1, 0.0, 1.0, "answered, but this has been run already", 0.0)
DOWN = replace(CALL, outcome="503")


@dataclass
class Asker:
    """A planner that asks a model, which brings nothing new."""

    ask: Callable[[Situation], None]
    name: str = "asker"
    rungs: tuple[Rung, ...] = ("sweep",)
    waits: bool = True

    def propose(self, situation: Situation) -> list[Proposal]:
        self.ask(situation)
        return []

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        self.ask(situation)
        return lesson


def without_room(_: Situation) -> None:
    raise OSError(28, "No space left on device")


def asked(night: Night, workspace: Workspace, tiny: Dataset, ask: Callable[[Situation], None]) -> Controller:
    """Return a controller that has asked a planner for a proposal in vain."""
    controller = controller_of(night, workspace, tiny, Asker(ask))
    (baseline, *_) = night.ledger.experiments()
    controller.open_block(Decision("sweep", None, "it is first"), [("exploit", baseline)])
    while controller.snapshot().asking:
        controller.wait("answer", ())
    return controller


@pytest.fixture
def night(workspace: Workspace, tiny: Dataset) -> Iterator[Night]:
    made = Night(workspace, tiny)
    yield made
    made.close()


def test_repeated_answers_leave_the_rung_until_a_verdict(night: Night, workspace: Workspace, tiny: Dataset) -> None:
    controller = asked(night, workspace, tiny, lambda situation: situation.call_log.add_call(CALL))
    found = controller.snapshot()
    assert (found.barren, found.unanswered, found.fruitless) == (frozenset({"sweep"}), False, 1)
    night.propose("e0001", changes={"lr_S": 0.02})
    controller.give_verdict("e0002", Verdict("rejected", "too little"))
    assert not controller.snapshot().barren


def test_a_server_that_is_down_is_waited_for(night: Night, workspace: Workspace, tiny: Dataset) -> None:
    controller = asked(night, workspace, tiny, lambda situation: situation.call_log.add_call(DOWN))
    assert (controller.snapshot().unanswered, controller.snapshot().fruitless) == (True, 0)
    controller.pause(60.0)
    assert (controller.snapshot().paused, controller.snapshot().unanswered) == (True, False)


def test_a_machine_on_which_nothing_can_be_asked_ends_no_campaign(
    night: Night, workspace: Workspace, tiny: Dataset
) -> None:
    controller = asked(night, workspace, tiny, without_room)
    assert controller.snapshot().unanswered
    assert "could not be asked: [Errno 28] No space left on device" in night.ledger.events()[-1].message
    controller.pause(60.0)


def test_a_block_that_cannot_be_explained_is_closed_all_the_same(
    night: Night, workspace: Workspace, tiny: Dataset
) -> None:
    controller = controller_of(night, workspace, tiny, Asker(without_room))
    night.reject("e0001", {0: 0.1}, changes={"lr_S": 0.02})
    block = night.ledger.blocks()[-1]
    controller.close_block(block, explain=True)
    while controller.snapshot().explaining is not None:
        controller.wait("answer", ())
    assert night.ledger.blocks()[-1].summary
    assert not controller.snapshot().unanswered

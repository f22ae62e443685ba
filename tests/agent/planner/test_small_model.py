"""One question to a real model, whose answers are worth nothing: whatever it says, the planner has to survive it."""

from dataclasses import replace

import pytest

from agent.executor.code_state import CodeState
from agent.planner import Options
from agent.planner.llm import create
from tests.agent.experiments import FIDELITY
from tests.agent.planner.situations import situation
from tests.agent.planner.small_model import ASKED_FOR, small_model
from tests.conftest import ROOT

__all__ = ["small_model"]

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not ASKED_FOR, reason="asks a language model: set STOICHLOOP_MODEL_TEST=1"),
]


def test_a_small_model_is_asked_and_survived(small_model: str) -> None:
    told = situation(CodeState(ROOT))
    made = create(Options(seed=0, fidelity=FIDELITY, model=small_model))
    planner = replace(made, characters=1_000, limits=replace(made.limits, answer_tokens=200, tries=1))
    proposals = planner.propose(told.situation)
    print(proposals, *told.calls, sep="\n")
    assert all(call.tokens_in > 0 and call.outcome for call in told.calls)
    assert len(proposals) <= 1 <= len(told.calls)

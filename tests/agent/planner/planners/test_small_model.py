"""A block by a small real model, whose answers are mostly unusable; the loop has to survive them."""

import pytest

from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from tests.agent.planner.small_model import ASKED_FOR, TOKENS, small_model
from tests.conftest import Command

__all__ = ["small_model"]

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not ASKED_FOR, reason="asks a language model: set STOICHLOOP_MODEL_TEST=1"),
]
REGIME = ["pde_m1_tiny", "--campaign", "night", "--fidelity", "probe", "--workers", "2"]
LIMITS = ["--budget", "30m", "--experiments", "1", "--context", "4000"]


def test_a_small_model_leads_a_block(
    stoichloop: Command, workspace: Workspace, small_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    stoichloop("explore", *REGIME, *LIMITS, "--planner", "llm", "--model", small_model, timeout=1800.0)
    with Ledger(workspace.runs / "night" / "memory.db", readonly=True) as ledger:
        experiments, calls = ledger.experiments(), ledger.calls()
    baseline, *proposed = experiments
    assert all(e.planner == "llm" and e.verdict is not None for e in proposed)
    assert [trial.status for trial in baseline.trials] == ["completed"] * 4
    assert all(call.tokens_in > 0 and call.tokens_out > 0 for call in calls)
    assert all(call.tokens_in + call.tokens_out <= TOKENS for call in calls)
    assert any(call.outcome.startswith("answered") for call in calls)  # its server keeps it to the form
    assert f"llm asked {small_model}: " in stoichloop("log", "night").stdout

"""The use of the slots, from what the controller has written down."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.campaign.budget import Budget
from agent.campaign.utilisation import (
    BUSY_S,
    CORES_BUSY_S,
    CORES_S,
    FULL_TRIALS,
    GPU_BUSY_S,
    GPU_WATCHED_S,
    idle_s,
    read_utilisation,
)
from memory.ledger import WALL_S, Ledger
from memory.records import Grant


def test_the_share_of_busy_slots_and_why_the_others_were_idle_in_words(tmp_path: Path) -> None:
    with Ledger(tmp_path / "memory.db") as ledger:
        assert read_utilisation(ledger) is None  # as in old ledgers
        budget = Budget(ledger, Grant(0.0, 3600.0, None, 3600.0, None))
        budget.use(BUSY_S, 90.0)
        budget.use(BUSY_S, 90.0)
        budget.use(idle_s("answer"), 16.0)
        budget.use(idle_s("between"), 4.0)
        budget.use(idle_s("pause"), 600.0)  # which stops the clock
        budget.use(FULL_TRIALS, 0.125)
        budget.remember()
        ledger.add_spend(WALL_S, 90.0)
        found = read_utilisation(ledger)
        assert found is not None
        assert found.busy == pytest.approx(0.9)
        assert list(found.idle) == ["waiting for an answer", "between two trials"]
        words = "busy 90 %; idle 8 % waiting for an answer, 2 % between two trials; 5.0 full trials an hour"
        assert str(found) == words
        budget.use(GPU_WATCHED_S, 50.0)
        budget.use(GPU_BUSY_S, 30.0)
        budget.remember()
        assert str(read_utilisation(ledger)) == f"{words}; GPU busy 60 %"
        budget.use(CORES_S, 400.0)
        budget.use(CORES_BUSY_S, 32.0)
        budget.remember()
        assert str(read_utilisation(ledger)) == f"{words}; GPU busy 60 %; cores beside it busy 8 %"
        assert read_utilisation(ledger, since=time.time() + 1.0) is None

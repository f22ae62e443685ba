"""Simulated campaigns: the decisions keep slots busy, whatever trials and answers take."""

from __future__ import annotations

import random

import pytest

from benchmarks.slots import SimulatedSlots


@pytest.mark.parametrize(
    ("slots", "waits", "hours", "least"),
    [(1, False, 0.5, 0.9), (2, True, 0.5, 0.9), (16, False, 0.4, 0.9), (16, True, 0.4, 0.9)],
)
def test_slots_are_busy_but_for_the_baseline_and_the_end(slots: int, waits: bool, hours: float, least: float) -> None:
    found = SimulatedSlots(slots, waits, hours, "probe", random.Random(0)).run()
    assert found.busy >= least
    known = (found.idle.get(why, 0.0) for why in ("the baseline came first", "the budget was ending"))
    assert found.busy + sum(known) >= 0.97
    assert found.experiments > slots


def test_one_slot_with_a_planner_that_answers_at_once_runs_nothing_ahead_of_need() -> None:
    found = SimulatedSlots(1, False, 0.5, "probe", random.Random(1)).run()
    assert found.ahead == 0.0
    assert set(found.idle) <= {"the budget was ending"}


@pytest.mark.long
def test_256_slots_are_idle_only_before_the_first_proposals_and_at_the_end() -> None:
    """In three minutes the baseline takes half of the time; a trial takes one."""
    found = SimulatedSlots(256, False, 0.05, "probe", random.Random(0)).run()
    assert set(found.idle) <= {"the baseline came first", "the budget was ending"}
    assert found.busy >= 0.4

"""What may fail without harm."""

from __future__ import annotations

import pytest

from agent.base.best_effort import BestEffort


def test_a_failure_is_noted_once_for_each_reason_and_costs_nothing_else() -> None:
    notes: list[str] = []
    effort = BestEffort(notes.append)
    for _ in range(3):
        assert effort.attempt("curve.svg", lambda: 1 // 0, 7) == 7
        assert effort.attempt("log.md", lambda: int("seven"), 7) == 7
        assert effort.attempt("log.md", lambda: 8, 7) == 8
    assert notes == [
        "curve.svg cannot be made: ZeroDivisionError: integer division or modulo by zero",
        "log.md cannot be made: ValueError: invalid literal for int() with base 10: 'seven'",
    ]


def test_the_user_can_still_interrupt() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BestEffort(print).attempt("log.md", interrupted, None)

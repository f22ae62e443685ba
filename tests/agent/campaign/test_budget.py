from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.base.duration import format_duration, parse_duration
from agent.campaign.budget import Budget, grant
from memory.ending import Ending
from memory.ledger import Ledger
from memory.records import Decision, Session
from stoichloop.errors import StoichloopError
from tests.agent.experiments import scored


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "memory.db") as made:
        yield made


@pytest.mark.parametrize(
    ("text", "seconds"), [("8h", 28800), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("1.5h", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration("--budget", text) == seconds


@pytest.mark.parametrize("text", ["", "8", "8 h", "h", "-1h", "0s", "tomorrow"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(StoichloopError, match="--budget"):
        parse_duration("--budget", text)


@pytest.mark.parametrize(("seconds", "text"), [(12.4, "12 s"), (570, "9 min 30 s"), (25500, "7 h 05 min"), (-3, "0 s")])
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_the_same_command_goes_on_with_what_is_left(ledger: Ledger) -> None:
    first = grant(ledger, 100.0, None)
    ledger.add_spend("wall_s", 60.0)
    assert grant(ledger, 100.0, None) == first
    assert Budget(ledger, first).left_s() == pytest.approx(40.0, abs=1.0)


def test_when_it_is_spent_the_same_command_grants_as_much_again(ledger: Ledger) -> None:
    grant(ledger, 100.0, None)
    ledger.add_spend("wall_s", 101.0)
    again = grant(ledger, 100.0, None)
    assert again.wall_s == pytest.approx(201.0)


@pytest.mark.parametrize("kind", [None, "interrupted", "crashed"])
def test_who_did_not_come_to_the_end_gets_no_second_grant(ledger: Ledger, kind: Any) -> None:
    """None is a controller that was killed."""
    first = grant(ledger, 100.0, None)
    ledger.add_session(Session(1, 2.0, 3.0))
    ledger.add_spend("wall_s", 101.0)
    if kind:
        ledger.add_ending(Ending(kind, "at the very end"))
    assert grant(ledger, 100.0, None) == first
    ledger.add_session(Session(1, 2.0, 4.0))
    ledger.add_ending(Ending("stopped", "100 s of 100 s used"))
    assert grant(ledger, 100.0, None).wall_s == pytest.approx(201.0)


def test_a_rest_that_is_too_short_for_a_trial_is_as_good_as_spent(ledger: Ledger) -> None:
    ledger.open_block(Decision("baseline", None, "first"), [scored("e0001", [0.3], block=0)])
    ledger.add_result(replace(scored("e0001", [0.3], block=0).trials[0], seconds=20.0))
    grant(ledger, 100.0, None)
    ledger.add_spend("wall_s", 70.0)
    assert grant(ledger, 100.0, None).wall_s == 100.0
    ledger.add_spend("wall_s", 10.0)
    assert grant(ledger, 100.0, None).wall_s == pytest.approx(180.0)


def test_another_wish_replaces_the_last_one_from_where_it_began(ledger: Ledger) -> None:
    grant(ledger, 100.0, None)
    ledger.add_spend("wall_s", 60.0)
    longer = grant(ledger, 300.0, 5)
    assert longer.wall_s == pytest.approx(300.0)
    assert longer.experiments == 5


def test_time_spent_reaches_the_ledger(ledger: Ledger) -> None:
    budget = Budget(ledger, grant(ledger, 100.0, None))
    budget.heartbeat(every_s=0.0)
    budget.remember()
    assert 0.0 < ledger.spent("wall_s") <= budget.spent_s() < 1.0


def test_a_smaller_wish_than_what_is_spent_counts_from_now(ledger: Ledger) -> None:
    grant(ledger, 100.0, None)
    ledger.add_spend("wall_s", 60.0)
    assert grant(ledger, 10.0, None).wall_s == pytest.approx(70.0)

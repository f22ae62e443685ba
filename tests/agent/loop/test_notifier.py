"""The command that is told of an end, an acceptance or a standstill."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from agent.loop.notifier import Notifier
from tests.hostile_texts import HOSTILE


def test_the_command_gets_one_line_of_json(tmp_path: Path) -> None:
    notes: list[str] = []
    notifier = Notifier(f"cat >> {tmp_path}/told", notes.append)
    notifier.tell("accepted", {"experiment": "e0002", "message": "night: e0002 is accepted"})
    notifier.close()
    (line,) = (tmp_path / "told").read_text().splitlines()
    assert json.loads(line) == {"event": "accepted", "experiment": "e0002", "message": "night: e0002 is accepted"}
    assert notes == []


def test_what_goes_wrong_with_it_is_a_note(tmp_path: Path) -> None:
    notes: list[str] = []
    Notifier(None, notes.append).tell("ended", {})
    for command, deadline_s in (("echo no network >&2; exit 7", 30.0), ("sleep 60 & sleep 60", 0.2)):
        notifier = Notifier(command, notes.append, deadline_s)
        began = time.monotonic()
        notifier.tell("ended", {})
        notifier.close()
        assert time.monotonic() - began < 10
    assert notes == [
        "--notify 'echo no network >&2; exit 7' failed with exit status 7: no network",
        "--notify 'sleep 60 & sleep 60' took more than 0.2 s",
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_others_wrote_is_a_printable_line_for_the_command(text: str, tmp_path: Path) -> None:
    notes: list[str] = []
    notifier = Notifier(f"cat >> {tmp_path}/told", notes.append)
    notifier.tell("accepted", {"experiment": None, "title": text, "author": text, "message": f"night: {text}"})
    notifier.close()
    (line,) = (tmp_path / "told").read_text().splitlines()
    told = json.loads(line)
    assert told.pop("experiment") is None
    assert all(each.isprintable() for each in told.values())
    assert notes == []

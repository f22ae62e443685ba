"""The user reads in the morning what a model was asked, and what it said."""

from __future__ import annotations

from pathlib import Path

from agent.campaign.call_files import CallFiles
from memory.ledger import Ledger
from memory.records import Call

CALL = Call("llm", "small", "p" * 64, 10, 2, 0.5, 1.0, "answered", 0.0)


def test_each_answered_request_is_a_file_under_its_number(tmp_path: Path) -> None:
    with Ledger(tmp_path / "memory.db") as ledger:
        log = CallFiles(ledger, tmp_path / "calls")
        log.add_call(CALL)  # it was not answered
        log.add_call(CALL, "What is S?", "\x1b[31mtwo\n" + "o" * 2_000_000)
        assert list(log.calls()) == [CALL, CALL]
    (file,) = (tmp_path / "calls").iterdir()
    text = file.read_text(encoding="utf-8")
    assert file.name == "0002.md"
    assert "llm asked small: answered; 10 tokens in, 2 out, 0.5000 dollars, 1.0 s" in text
    assert "What is S?" in text
    assert "\x1b" not in text
    assert 1_000_000 < len(text) < 1_001_000


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("in the way")
    with Ledger(tmp_path / "memory.db") as ledger:
        CallFiles(ledger, tmp_path / "calls").add_call(CALL, "What?", "That.")
        assert ledger.calls() == [CALL]

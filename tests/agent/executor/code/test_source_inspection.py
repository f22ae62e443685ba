"""Source that hurts whoever parses it: the sandbox meets it, the controller gets a refusal in words."""

import time
from pathlib import Path

import pytest

from agent.executor.code.source_inspection import LARGEST_SOURCE, count_statements, refusal_of
from tests.conftest import HOLDING, UNCONTAINED

SANDBOX = HOLDING.sandbox if HOLDING.holds else UNCONTAINED


@pytest.mark.parametrize(
    "source",
    [
        b"x = " + b"-" * 90_000 + b"1",
        b"x" + b".a" * 50_000,
        b"x = " + b"1 if x else " * 50_000 + b"1",
        b"x = steps * 0x" + b"F" * 6_000,
        b"x = " + b"9" * 6_000,
        b"x = 1\0",
        b"\xff\xfe",
        b"# coding: zlib\nx = 1",
        b"x = 1\n" * (LARGEST_SOURCE // 6 + 1),
    ],
    ids=["minus", "dots", "ifs", "hex", "digits", "nul", "bytes", "coding", "large"],
)
def test_hostile_source_is_refused_in_words(source: bytes) -> None:
    words = refusal_of({"gnn/x.py": source}, SANDBOX)
    assert words is not None
    assert words.isprintable()
    assert len(words) < 300


def test_the_parser_does_not_start_after_the_deadline() -> None:
    words = refusal_of({"gnn/x.py": b"x = 1"}, SANDBOX, time.monotonic())
    assert words is not None
    assert "gnn/x.py cannot be inspected, it gave no answer" in words


def test_a_parser_that_crashes_takes_nothing_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Some versions of Python end by a signal where others raise."""
    program = tmp_path / "crash.py"
    program.write_text("import os\nos.abort()\n")
    monkeypatch.setattr("agent.executor.code.source_inspection._PROGRAM", program)
    words = refusal_of({"gnn/x.py": b"x = 1"}, SANDBOX)
    assert words is not None
    assert "gnn/x.py cannot be inspected, exit status" in words
    assert count_statements({"gnn/x.py": b"x = 1\n\n"}, SANDBOX) == 2


def test_source_that_cannot_be_read_has_as_many_statements_as_lines() -> None:
    assert count_statements({"gnn/a.py": b"x = 1; y = 2\n", "gnn/b.py": b"(\n(\n(\n"}, SANDBOX) == 2 + 3

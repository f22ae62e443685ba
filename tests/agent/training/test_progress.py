"""Progress of a training where there is no terminal."""

from __future__ import annotations

from io import StringIO

import pytest

from agent.base.console import Console
from agent.training.progress import TrainingProgress


def told(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """Return what is printed of a training of 1,000 steps that is looked at every ten seconds."""
    file, clock = StringIO(), iter(range(0, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with TrainingProgress(Console(file=file, force_terminal=terminal), 1000) as shown:
        for step in (0, 100, 200, 300):
            shown.advance(step)
    return file.getvalue()


def test_a_pipe_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(monkeypatch, terminal=False).splitlines()
    assert lines == ["training: step 0 of 1,000", "training: step 300 of 1,000, about 1 min 33 s left"]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "training: step" not in told(monkeypatch, terminal=True)

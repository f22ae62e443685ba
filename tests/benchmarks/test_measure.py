"""The ends of a benchmark: one sentence for a known error, a traceback for a defect."""

import sqlite3
import sys

import pytest

from benchmarks.measure import run_commands
from stoichloop.errors import DatasetError, LedgerError, RegimeError


@pytest.mark.parametrize("kind", [DatasetError, LedgerError, RegimeError, OSError, sqlite3.DatabaseError])
def test_a_known_error_ends_a_benchmark_with_one_sentence(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> None:
        raise kind("this is wrong; do that")

    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    with pytest.raises(SystemExit, match=r"^benchmarks: .*this is wrong; do that"):
        run_commands(load)


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    with pytest.raises(KeyError):
        run_commands(load)

"""The requests to models: costs in the ledger, questions and answers in `calls/0042.md`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memory.ledger import Ledger
from memory.records import Call
from memory.render import call_line
from stoichloop.foreign_text import visible

_MOST = 1_000_000  # characters of a question or an answer


@dataclass(frozen=True)
class CallFiles:
    """The call log of a campaign; see `CallLog`. A file that cannot be written is left out; the ledger has the cost."""

    ledger: Ledger
    folder: Path

    def calls(self) -> Sequence[Call]:
        """See `CallLog`."""
        return self.ledger.calls()

    def add_call(self, call: Call, asked: str = "", answered: str = "") -> None:
        """See `CallLog`."""
        number = self.ledger.add_call(call)
        if asked:
            parts = (f"# Call {number}", call_line(call), "## Question", _cut(asked), "## Answer", _cut(answered))
            with suppress(OSError):
                self.folder.mkdir(exist_ok=True)
                (self.folder / f"{number:04d}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _MOST else f"{shown[:_MOST]}\n(cut here)"

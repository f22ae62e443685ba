"""Work that may fail without harm: texts and pictures of a campaign, which must not end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class BestEffort:
    """Tries to make things. A failure is passed to `note` as one sentence, once for each reason."""

    note: Callable[[str], None]
    _noted: set[str] = field(default_factory=set)

    def attempt(self, what: str, make: Callable[[], T], otherwise: T) -> T:
        """Return what `make` returns; if it fails, `otherwise`."""
        try:
            return make()
        except Exception as error:
            sentence = f"{what} cannot be made: {type(error).__name__}: {error}"
            if sentence not in self._noted:
                self._noted.add(sentence)
                self.note(sentence)
            return otherwise

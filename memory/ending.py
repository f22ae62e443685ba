"""The end of a controller and the state of a campaign, in the words that every view shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Literal

from memory.formatting import moment
from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import visible

_ENDING = 400  # characters
EndingKind = Literal["finished", "stopped", "interrupted", "crashed"]
StateKind = Literal["not started", "running", "killed"] | EndingKind


@dataclass(frozen=True)
class Ending:
    """The reason why a controller ended.

    `finished`: nothing is left to do. `stopped`: the budget is used up. `interrupted`: the user or a signal asked for
    it. `crashed`: an error. The ledger assigns `at`.
    """

    kind: EndingKind
    words: str
    at: float = field(default=0.0, compare=False)

    def __str__(self) -> str:
        return sentence(self.kind, self.words)

    @property
    def is_orderly(self) -> bool:
        """Return whether the controller did all that it was asked for."""
        return self.kind in ("finished", "stopped")


@dataclass(frozen=True)
class CampaignState:
    """The state of a campaign at the time `at`, and the commands that are of use next.

    `words` is empty if the kind says all. A campaign that is `paused` is running, but its clock stands still.
    """

    kind: StateKind
    words: str
    at: float
    commands: tuple[str, ...]
    paused: bool = False

    def __str__(self) -> str:
        return sentence(self.kind, self.words)

    @property
    def dated(self) -> str:
        """Return the sentence with the time, for texts that may be read later."""
        return str(self) if self.kind == "killed" else f"{self} ({moment(self.at)})"


def sentence(kind: StateKind, words: str) -> str:
    """Return 'finished: solved', 'stopped: interrupted by Ctrl-C' or 'running'."""
    named = "stopped" if kind == "interrupted" else kind
    return f"{named}: {words}" if words else named


def ending_of(error: BaseException) -> Ending:
    """Return the ending of a controller that an error or a signal has ended."""
    words = " ".join(visible(str(error)).split())
    if isinstance(error, KeyboardInterrupt):
        return Ending("interrupted", f"interrupted by {'Ctrl-C' if words in ('', 'SIGINT') else words}")
    if not isinstance(error, StoichloopError):
        words = f"{type(error).__name__}: {words}".removesuffix(": ")
    return Ending("crashed", shorten(words, _ENDING, placeholder=" ..."))

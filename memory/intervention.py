"""An intervention of the user in a campaign, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

InterventionKind = Literal["idea", "veto", "unveto", "pin", "unpin", "pause", "resume", "stop"]


@dataclass(frozen=True)
class Intervention:
    """An intervention of the user in a campaign.

    Attributes:
        author: the user's name.
        experiment: the experiment that is vetoed or pinned.
        words: the text of an idea, or the reason for a veto.
        changes, patch: fields and code that an idea changes; without either, models are told of it.
        score: the score at which to stop, None to stop now.
        number: rank among the interventions of the campaign, assigned by the ledger.
        current: whether the newest session has taken it up, as the ledger says.
    """

    kind: InterventionKind
    author: str
    given_at: float
    experiment: str | None = None
    words: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    patch: str = ""
    score: float | None = None
    number: int = 0
    current: bool = False

    @property
    def is_trial(self) -> bool:
        """Return whether it is an idea that can be tried as it is."""
        return self.kind == "idea" and bool(self.changes or self.patch)

"""Failed and refused experiments, grouped by cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memory.records import Experiment

# Parts of a reason that differ between cases of one cause: experiment ids, paths, quoted text, numbers.
_PARTICULARS = re.compile(r"e\d{4,}(?:/\S+)?|'[^']*'|\"[^\"]*\"|[\w./-]*/[\w./-]+|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")

_COMPARED = 1000  # characters of a reason


@dataclass(frozen=True)
class Failure:
    """Experiments with the same cause; `reason` is the full reason of the first."""

    verdict: str
    reason: str
    experiments: tuple[str, ...]


def failures(experiments: Sequence[Experiment]) -> list[Failure]:
    """Return the causes, most frequent first."""
    groups: dict[tuple[str, str], list[Experiment]] = {}
    for e in experiments:
        if e.verdict is not None and e.verdict.verdict in ("failed", "refused"):
            groups.setdefault((e.verdict.verdict, _PARTICULARS.sub("…", e.verdict.reason[:_COMPARED])), []).append(e)
    found = [
        Failure(verdict, members[0].verdict.reason if members[0].verdict else "", tuple(e.id for e in members))
        for (verdict, _), members in groups.items()
    ]
    return sorted(found, key=lambda failure: -len(failure.experiments))

"""Likeness of a proposal to rejected experiments, by what both change.

Two configurations are alike if they change the same fields in the same direction on the same code. Two patches are
alike if most of the lines that they add are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.planner.proposal import Proposal
from memory.leaderboard import codes_of
from memory.records import Experiment

_ALIKE = 0.75  # share of the added lines of the patch that adds more
_SHORTEST = 4  # characters of a line that says something


def rejected_like(proposal: Proposal, past: Sequence[Experiment]) -> Experiment | None:
    """Return the newest rejected experiment that is like a proposal, or None."""
    known, wrote = {e.id: e for e in past}, codes_of(past)
    ours = directions(proposal.changes, known[proposal.parent].configuration)
    added = _said(line for edit in proposal.edits for line in _new_lines(edit.search, edit.replace))
    added |= _added(proposal.diff)

    def like(e: Experiment, parent: Experiment) -> bool:
        if proposal.patches:
            theirs = _added(e.patch)
            return len(added & theirs) >= _ALIKE * max(len(added), len(theirs), 1)
        same_code = not e.patch and wrote[e.parent or ""] == wrote[proposal.parent]
        return same_code and directions(e.changes, parent.configuration) == ours

    rejected = (e for e in reversed(past) if e.verdict is not None and e.verdict.verdict == "rejected")
    return next((e for e in rejected if e.parent is not None and like(e, known[e.parent])), None)


def directions(changes: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, object]:
    """Return for each changed field whether it grows, or its new value where it is no number."""

    def direction(name: str, new: Any) -> object:
        old = before.get(name)
        return new > old if isinstance(new, int | float) and isinstance(old, int | float) else new

    return {name: direction(name, new) for name, new in changes.items()}


def _added(diff: str) -> set[str]:
    return _said(line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++"))


def _new_lines(before: str, after: str) -> Iterable[str]:
    kept = set(before.splitlines())
    return (line for line in after.splitlines() if line not in kept)


def _said(lines: Iterable[str]) -> set[str]:
    return {line.strip() for line in lines if len(line.strip()) >= _SHORTEST}

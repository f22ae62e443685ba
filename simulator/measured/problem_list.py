"""Faults of a file, collected so that a user reads all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 20


def listed_problems(where: str, problems: Sequence[str]) -> str:
    """Return the message for faults of the file that `where` names: one sentence, or a numbered list."""
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    lines = [f"  {number}. {problem}" for number, problem in enumerate(problems[:_MOST], 1)]
    more = [f"  and {len(problems) - _MOST} more"] if len(problems) > _MOST else []
    return "\n".join([f"{where}: {len(problems)} faults:", *lines, *more])


def shortened(names: Sequence[str], most: int = 12) -> str:
    """Return names with commas between them, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def several(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless there is one."""
    return f"{count} {noun}{'s' * (count != 1)}"

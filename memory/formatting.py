"""Texts of scores, times and verdicts, shared by every view."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from memory.records import FindingKind

# Note beside the scores of every campaign on measured data.
UNCHECKED = "measured data: scores cannot be checked, because the truth is unknown"

# Heading of the trials of an experiment on sibling networks.
ON_SIBLINGS = "trials on sibling networks, used only for judging: no planner gets these scores"

# The scores of a trial that are shown where the truth is known; a trial has more.
SHOWN_SCORES = (
    "exact",
    "exact_identifiable",
    "baseline_exact",
    "skill",
    "sign_accuracy",
    "recall_2",
    "r2",
    "test_pearson",
    "blind",
)


# Headings of the findings, by their kind.
FINDING_KINDS: Mapping[FindingKind, str] = {
    "established principle": "Established principles",
    "refuted hypothesis": "Refuted hypotheses",
    "not confirmed": "Not confirmed",
    "open question": "Open questions",
}


def within(interval: tuple[float, float] | None, signed: bool = False) -> str:
    """Return ' [0.2401, 0.2623]' to follow a mean, rounded outwards; an empty text without an interval.

    `signed` is for the interval of a difference.
    """
    if interval is None:
        return ""
    # First to more digits than are shown: 0.57 times 10000 falls short of 5700.
    low, high = (round(bound * 1e4, 6) for bound in interval)
    form = "+z.4f" if signed else "z.4f"
    return f" [{math.floor(low) / 1e4:{form}}, {math.ceil(high) / 1e4:{form}}]"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return '1 seed' or '4 seeds'; `plural` is for a noun that takes more than an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def decimal(value: float, digits: int = 4, sign: str = "") -> str:
    """Return '0.2512', or '+0.2512' if `sign` is '+'. What rounds to zero has no minus."""
    return f"{value:{sign}z.{digits}f}"


def score_text(score: float, error: float | None) -> str:
    """Return '0.2512 ± 0.0031', or '0.2512' if one seed gives no error."""
    return f"{score:.4f}" + ("" if error is None else f" ± {error:.4f}")


def moment(seconds: float) -> str:
    """Format seconds since the epoch as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def verdicts_text(counts: Mapping[str, int]) -> str:
    """Return '1 accepted, 1 open, 12 rejected'."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def veto_text(author: str, words: str) -> str:
    """Return 'vetoed by Ada: it deletes the network'."""
    return f"vetoed by {author}{': ' if words else ''}{words}"

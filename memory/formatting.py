"""How scores, times and verdicts are put into words, everywhere alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

# Said wherever a campaign's scores are shown that nobody can check.
UNCHECKED = "measured data: nothing here can be checked against the truth, which nobody knows"

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


def score_text(score: float, error: float | None) -> str:
    """'0.2512 ± 0.0031', or without an error from one seed."""
    return f"{score:.4f}" + ("" if error is None else f" ± {error:.4f}")


def moment(seconds: float) -> str:
    """Seconds since the epoch as a UTC time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def verdicts_text(counts: Mapping[str, int]) -> str:
    """'1 accepted, 1 open, 12 rejected'."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"

"""Recorded scores of `stoichloop train REGIME --recipe best`, `recipes/scores.csv`.

docs/science.md and docs/kinetics.md have the same figures, and say how each was measured.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RecordedScore:
    """Result of some seeds.

    Attributes:
        exact: the lowest share of identifiable coefficients that are right.
        seconds: the median time of a trial, None if it was not taken.
    """

    seeds: int
    exact: float
    seconds: float | None


def recorded_scores(root: Path) -> dict[str, RecordedScore]:
    """Return the recorded score of each regime that has one, in the clone at `root`."""
    with (root / "recipes" / "scores.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["regime"]: RecordedScore(
                int(row["seeds"]), float(row["exact"]), float(s) if (s := row["seconds"]) else None
            )
            for row in csv.DictReader(file)
        }

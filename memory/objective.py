"""The score by which a campaign compares experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Objective = Literal["exact", "support", "blind"]
_OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


def objective_of(scores: Mapping[str, float]) -> Objective:
    """Return the name of the optimised score: `exact` where the truth is known, else `support`, once `blind`."""
    return next((name for name in _OBJECTIVES if name in scores), "blind")


def trivial_of(scores: Mapping[str, float]) -> float | None:
    """Return the optimised score of the trivial answer, 1 everywhere with the signs of the graph, if it is known."""
    return scores.get(f"baseline_{objective_of(scores)}")


def uninformed_of(scores: Mapping[str, float]) -> float | None:
    """Return the optimised score of the best answer without any data; that of the trivial one where it is not told."""
    return scores.get(f"uninformed_{objective_of(scores)}", trivial_of(scores))


def score_of(scores: Mapping[str, float]) -> float | None:
    """Return the optimised score, or None if a training did not complete and so has no scores."""
    return scores[objective_of(scores)] if scores else None

"""The bars of each regime: levels that recovery has to reach."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

Over = Literal["median of seeds", "each seed", "each sibling"]


@dataclass(frozen=True)
class Bar:
    """`score` must be at least `level` over `trials` trials; a goal is a bar that need not be met yet."""

    regime: str
    level: float
    score: str = "exact_identifiable"
    over: Over = "median of seeds"
    goal: bool = False
    trials: int = 5


BARS = (
    Bar("pde_m1_tiny", 1.0),
    Bar("pde_m1", 1.0, over="each seed"),
    Bar("pde_m1", 0.995, over="each sibling"),
    Bar("pde_m1_noise", 0.99),
    Bar("pde_m1_unbalanced", 0.98),
    Bar("pde_m1_few", 0.95),
    Bar("pde_m1_xl", 0.99),
    Bar("ecoli_core", 0.98),
    Bar("ecoli_core", 0.95, "recall_2"),
    Bar("pde_m1_single", 0.90, goal=True),
    Bar("pde_m1_observed", 0.90, goal=True),
    Bar("pde_m1_decoy", 0.95, goal=True),
    Bar("pde_m1_decoy", 0.97, "support_f1", goal=True),
    Bar("pde_m1_signs", 0.95, goal=True),
    Bar("pde_m1_signs", 0.98, "sign_accuracy", goal=True),
    Bar("pde_m1_open", 0.80, goal=True),
    Bar("pde_m1_open", 0.90, "support_f1", goal=True),
)


class BarResult(BaseModel):
    """A bar with the figure measured; `met` is null until as many trials were measured as the bar asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score: str
    over: Over
    level: float
    goal: bool
    figure: float | None
    met: bool | None


def judge_bar(bar: Bar, values: Sequence[float]) -> BarResult:
    """Compare the values of a bar's score, one a trial, with the bar."""
    figure = (statistics.median(values) if bar.over == "median of seeds" else min(values)) if values else None
    met = figure >= bar.level if figure is not None and len(values) >= bar.trials else None
    return BarResult(score=bar.score, over=bar.over, level=bar.level, goal=bar.goal, figure=figure, met=met)


def all_met(verdicts: Sequence[BarResult]) -> bool | None:
    """Return whether all bars are met; None without bars, or if one was not measured and none is missed."""
    if any(verdict.met is False for verdict in verdicts):
        return False
    return True if verdicts and all(verdict.met for verdict in verdicts) else None

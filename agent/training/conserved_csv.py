"""The file `conserved.csv`: totals of amounts that the trial takes for constant, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.analyzer.scoring.estimate import Estimate
from agent.training.result_table import listed, write_table
from simulator.dataset import FrozenData


@dataclass(frozen=True)
class FoundTotal:
    """A weighted sum of amounts that does not change; `weights` are those of its members by name."""

    weights: dict[str, float]

    def __str__(self) -> str:
        return " + ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in self.weights.items())


def totals_in(estimate: Estimate, data: FrozenData) -> list[FoundTotal]:
    """Return the totals that the trial states."""
    names = data.regime.metabolite_names
    rows = [] if estimate.conserved is None else estimate.conserved.tolist()
    return [FoundTotal({name: weight for name, weight in zip(names, row, strict=True) if weight}) for row in rows]


def described_totals(totals: list[FoundTotal]) -> list[str]:
    """Return lines that name the totals, for a terminal."""
    return listed("Conserved totals of amounts", totals, "conserved.csv")


def write_totals(folder: Path, totals: list[FoundTotal]) -> None:
    """Write `conserved.csv` into `folder`, a row for each member of a total, if there is any."""
    rows = (
        (number, name, f"{weight:g}")
        for number, total in enumerate(totals, start=1)
        for name, weight in total.weights.items()
    )
    write_table(folder / "conserved.csv", ("total", "metabolite", "weight"), rows)

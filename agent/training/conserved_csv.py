"""The file `conserved.csv`: totals of amounts that the trial takes for constant, by name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from agent.analyzer.scoring.estimate import Estimate
from simulator.dataset import FrozenData

_SHOWN = 12


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
    if not totals:
        return []
    lines = [f"  {one}" for one in totals[:_SHOWN]]
    if len(totals) > _SHOWN:
        lines.append(f"  and {len(totals) - _SHOWN} more, in conserved.csv of --out FOLDER")
    return ["Conserved totals of amounts", *lines]


def write_totals(folder: Path, totals: list[FoundTotal]) -> None:
    """Write `conserved.csv` into `folder`, a row for each member of a total, if there is any."""
    place = folder / "conserved.csv"
    place.unlink(missing_ok=True)  # a trial may have left a file of its own, or a link that leads elsewhere
    if not totals:
        return
    with place.open("x", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("total", "metabolite", "weight"))
        for number, total in enumerate(totals, start=1):
            rows.writerows((number, name, f"{weight:g}") for name, weight in total.weights.items())

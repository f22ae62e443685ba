"""The file `lacking.csv`: what the network that was given seems to lack, by name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.analyzer.scoring.estimate import Estimate
from simulator.dataset import FrozenData
from simulator.measured_regime import Measured

_SHOWN = 12


@dataclass(frozen=True)
class Missing:
    """A regulator that a rate seems to have, or exchange of a metabolite with the outside (`reaction` is None).

    Attributes:
        effect: what it alone explains: root mean square, as a share of the rate or of what is observed of the
            metabolite.
    """

    reaction: str | None
    species: str
    effect: float

    def __str__(self) -> str:
        if self.reaction is None:
            return f"exchange of {self.species} with the outside, {self.effect:.0%} of what is observed of it"
        return f"{self.species} as a regulator of {self.reaction}, {self.effect:.0%} of its rate"


def missing_in(estimate: Estimate, data: FrozenData) -> list[Missing]:
    """Return what the trial found missing, the largest effect first."""
    if estimate.lacking is None:
        return []
    regime = data.regime
    species = list(regime.metabolite_names)
    if isinstance(regime, Measured):
        species += regime.network.input_names
    species += [f"input {number}" for number in range(estimate.lacking.shape[1] - len(species))]
    reactions = [*regime.reaction_names, None]
    places = np.argwhere(estimate.lacking > 0)
    found = [Missing(reactions[row], species[column], float(estimate.lacking[row, column])) for row, column in places]
    return sorted(found, key=lambda one: -one.effect)


def described(missing: list[Missing]) -> list[str]:
    """Return lines that say what is missing, for a terminal."""
    if not missing:
        return []
    lines = [f"  {one}" for one in missing[:_SHOWN]]
    if len(missing) > _SHOWN:
        lines.append(f"  and {len(missing) - _SHOWN} more, in lacking.csv of --out FOLDER")
    return ["The given network seems to lack", *lines]


def write_missing(folder: Path, missing: list[Missing]) -> None:
    """Write `lacking.csv` into `folder`, a row for each; an exchange has no reaction."""
    place = folder / "lacking.csv"
    place.unlink(missing_ok=True)  # a trial may have left a link there that leads elsewhere
    with place.open("x", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("kind", "reaction", "species", "effect"))
        for one in missing:
            kind = "regulator" if one.reaction is not None else "exchange"
            rows.writerow((kind, one.reaction or "", one.species, f"{one.effect:.3f}"))

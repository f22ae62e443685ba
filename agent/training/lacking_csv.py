"""The file `lacking.csv`: regulators and exchange that the given network seems to lack, by name."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.analyzer.scoring.estimate import Estimate, EstimateError
from simulator.dataset import FrozenData
from simulator.measured_regime import Measured

_SHOWN = 12
_LEAST = 0.001  # effect


@dataclass(frozen=True)
class Missing:
    """A regulator that a rate seems to have, or exchange of a metabolite with the outside (`reaction` is None).

    Attributes:
        effect: what it alone explains: root mean square, relative to the rate or to what is observed of the metabolite.
    """

    reaction: str | None
    species: str
    effect: float

    def __str__(self) -> str:
        if self.reaction is None:
            return f"exchange of {self.species} with the outside, {self.effect:.0%} of what is observed of it"
        return f"{self.species} as a regulator of {self.reaction}, {self.effect:.0%} of its rate"


def missing_in(estimate: Estimate, data: FrozenData) -> list[Missing]:
    """Return what the trial found missing, the largest effect first; raises `EstimateError` for an unknown species."""
    if estimate.lacking is None:
        return []
    regime, inputs = data.regime, data.observed[0].inputs.shape[1]
    species, reactions = list(regime.metabolite_names), [*regime.reaction_names, None]
    metabolites = len(species)
    stated = regime.network.input_names if isinstance(regime, Measured) else ()
    species += stated or [f"input {number}" for number in range(inputs)]
    if estimate.lacking.shape[1] != metabolites + inputs or estimate.lacking[-1, metabolites:].any():
        raise EstimateError(f"array 'lacking' is not for {metabolites} metabolites and {inputs} inputs")
    places = np.argwhere(estimate.lacking >= _LEAST)
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
    """Write `lacking.csv` into `folder`, a row for each, if there is any; an exchange has no reaction."""
    place = folder / "lacking.csv"
    place.unlink(missing_ok=True)  # a trial may have left a file of its own, or a link that leads elsewhere
    if not missing:
        return
    with place.open("x", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(("kind", "reaction", "species", "effect"))
        for one in missing:
            kind = "regulator" if one.reaction is not None else "exchange"
            rows.writerow((kind, one.reaction or "", one.species, f"{one.effect:.3f}"))

"""The file `lacking.csv`: regulators and exchange that the given network seems to lack, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.analyzer.scoring.estimate import Estimate, EstimateError
from agent.training.result_table import listed, write_table
from simulator.dataset import FrozenData
from simulator.measured_regime import Measured

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
    return listed("The given network seems to lack", missing, "lacking.csv")


def write_missing(folder: Path, missing: list[Missing]) -> None:
    """Write `lacking.csv` into `folder`, a row for each, if there is any; an exchange has no reaction."""
    rows = (
        ("regulator" if one.reaction is not None else "exchange", one.reaction or "", one.species, f"{one.effect:.3f}")
        for one in missing
    )
    write_table(folder / "lacking.csv", ("kind", "reaction", "species", "effect"), rows)

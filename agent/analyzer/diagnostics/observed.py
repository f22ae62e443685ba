"""The observations of a campaign as a trial is given them: `observations.npz`, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from simulator.dataset import read_arrays
from simulator.kinetics import Floats
from simulator.network import Graph
from simulator.regime import Constraints
from simulator.stated_kinetics import StatedKinetics


@dataclass(frozen=True)
class Observed:
    """The shown graph, the regime's constraints and the frames.

    Attributes:
        trajectories: their number. concentration: shape (T, N), the frames of all trajectories.
        dcdt: shape (T, N), None where it is not given.
        stated: the structure of rates, None where reactions share two functions. inputs: their number.
    """

    graph: Graph
    constraints: Constraints
    trajectories: int
    concentration: Floats
    dcdt: Floats | None
    stated: StatedKinetics | None
    inputs: int

    @property
    def size(self) -> Floats | None:
        """Return the root mean square of dc/dt of each metabolite, shape (N,), None where dc/dt is not given."""
        return None if self.dcdt is None else np.asarray(np.sqrt(np.mean(self.dcdt**2, axis=0)))


@lru_cache(maxsize=2)
def read_observed(path: Path) -> Observed:
    """Read frozen `observations.npz`, which never changes."""
    arrays = read_arrays(path)
    n_metabolites, concentration = int(arrays["n_metabolites"]), arrays["concentration"]
    return Observed(
        graph=Graph(n_metabolites, int(arrays["n_reactions"]), arrays["met_all"], arrays["rxn_all"], arrays["role"]),
        constraints=Constraints(
            alphabet=tuple(arrays["alphabet"].tolist()),
            mass_balanced=bool(arrays["mass_balanced"]),
            max_substrates=int(arrays["max_substrates"]),
            max_products=int(arrays["max_products"]),
            may_be_absent=bool(arrays["may_be_absent"]),
            primitive="primitive" in arrays,
        ),
        trajectories=len(concentration),
        concentration=concentration.reshape(-1, n_metabolites),
        dcdt=arrays["dcdt"].reshape(-1, n_metabolites) if "dcdt" in arrays else None,
        stated=StatedKinetics.read(arrays),
        inputs=arrays["inputs"].shape[-1] if "inputs" in arrays else 0,
    )

"""What a trial may see: the graph, what the regime states about its coefficients, and the frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gnn.derivative import smooth


@dataclass(frozen=True)
class Graph:
    """The bipartite graph as index tensors.

    Attributes:
        n_metabolites, n_reactions: N and R.
        met_sub, rxn_sub: metabolite and reaction of each edge that may be a substrate, shape (E_sub,): of the
            substrate edges where roles are told, of every edge where they are not.
        met_all, rxn_all: the same of every edge, shape (E,).
        sub_to_all: position of each edge that may be a substrate among all edges, shape (E_sub,).
        role: -1 for a substrate, +1 for a product, 0 where that is not told, shape (E,).
    """

    n_metabolites: int
    n_reactions: int
    met_sub: Tensor
    rxn_sub: Tensor
    met_all: Tensor
    rxn_all: Tensor
    sub_to_all: Tensor
    role: Tensor


@dataclass(frozen=True)
class Constraints:
    """What the regime states about every column of S.

    Attributes:
        alphabet: the magnitudes that a coefficient may have. mass_balanced: whether every column sums to zero.
        max_substrates, max_products: how many a reaction has at the most; it has one of each at the least.
        may_be_absent: whether the coefficient of an edge may be zero.
    """

    alphabet: tuple[int, ...]
    mass_balanced: bool
    max_substrates: int
    max_products: int
    may_be_absent: bool


@dataclass(frozen=True)
class Observations:
    """All frames, float32.

    Attributes:
        time: of each frame of each trajectory, shape (trajectories, frames).
        concentration, dcdt: the frames of all trajectories end to end, as columns, shape (N, F). Where dc/dt is
            not given, it is estimated from the concentrations, and these are smoothed.
    """

    graph: Graph
    constraints: Constraints
    time: Tensor
    concentration: Tensor
    dcdt: Tensor


def read_observations(path: Path, device: torch.device) -> Observations:
    """Read `observations.npz`; trajectories are laid end to end."""
    with np.load(path, allow_pickle=False) as arrays:
        indices = {
            name: torch.from_numpy(arrays[name]).to(device)
            for name in ("met_sub", "rxn_sub", "met_all", "rxn_all", "sub_to_all", "role")
        }
        graph = Graph(int(arrays["n_metabolites"]), int(arrays["n_reactions"]), **indices)
        constraints = Constraints(
            alphabet=tuple(arrays["alphabet"].tolist()),
            mass_balanced=bool(arrays["mass_balanced"]),
            max_substrates=int(arrays["max_substrates"]),
            max_products=int(arrays["max_products"]),
            may_be_absent=bool(arrays["may_be_absent"]),
        )
        time, concentration = arrays["time"], arrays["concentration"]
        given = (concentration, arrays["dcdt"]) if "dcdt" in arrays else smooth(time, concentration)
        concentration, dcdt = (
            torch.from_numpy(values.reshape(-1, graph.n_metabolites).T.astype(np.float32)).contiguous().to(device)
            for values in given
        )
    return Observations(graph, constraints, torch.from_numpy(time.astype(np.float32)).to(device), concentration, dcdt)

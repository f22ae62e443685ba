"""What a trial may see: the graph and the frames."""

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
        met_sub, rxn_sub: metabolite and reaction of each substrate edge, shape (E_sub,).
        met_all, rxn_all: the same of every edge, shape (E,).
        sub_to_all: position of each substrate edge among all edges, shape (E_sub,).
    """

    n_metabolites: int
    n_reactions: int
    met_sub: Tensor
    rxn_sub: Tensor
    met_all: Tensor
    rxn_all: Tensor
    sub_to_all: Tensor


@dataclass(frozen=True)
class Observations:
    """All frames, float32.

    Attributes:
        time: of each frame of each trajectory, shape (trajectories, frames).
        concentration, dcdt: the frames of all trajectories end to end, as columns, shape (N, F). Where dc/dt is
            not given, it is estimated from the concentrations, and these are smoothed.
    """

    graph: Graph
    time: Tensor
    concentration: Tensor
    dcdt: Tensor


def read_observations(path: Path, device: torch.device) -> Observations:
    """Read `observations.npz`; trajectories are laid end to end."""
    with np.load(path, allow_pickle=False) as arrays:
        indices = {
            name: torch.from_numpy(arrays[name]).to(device)
            for name in ("met_sub", "rxn_sub", "met_all", "rxn_all", "sub_to_all")
        }
        graph = Graph(int(arrays["n_metabolites"]), int(arrays["n_reactions"]), **indices)
        time, concentration = arrays["time"], arrays["concentration"]
        given = (concentration, arrays["dcdt"]) if "dcdt" in arrays else smooth(time, concentration)
        concentration, dcdt = (
            torch.from_numpy(values.reshape(-1, graph.n_metabolites).T.astype(np.float32)).contiguous().to(device)
            for values in given
        )
    return Observations(graph, torch.from_numpy(time.astype(np.float32)).to(device), concentration, dcdt)

"""The input of a trial: the graph, the statements on coefficients and rates, and the frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnn.derivative import smooth

ABREAST = 8  # edges of a row in `Graph.substrate_rows`


@dataclass(frozen=True)
class Graph:
    """The bipartite graph as index tensors.

    Attributes:
        n_metabolites, n_reactions: N and R.
        met_sub, rxn_sub: metabolite and reaction of each edge that may be a substrate, shape (E_sub,): of the
            substrate edges where roles are known, of every edge where they are unknown.
        met_all, rxn_all: metabolite and reaction of every edge, shape (E,).
        sub_to_all: index among all edges of each edge that may be a substrate, shape (E_sub,).
        role: -1 for a substrate, +1 for a product, 0 for an unknown role, shape (E,).
    """

    n_metabolites: int
    n_reactions: int
    met_sub: Tensor
    rxn_sub: Tensor
    met_all: Tensor
    rxn_all: Tensor
    sub_to_all: Tensor
    role: Tensor

    @cached_property
    def substrate_rows(self) -> tuple[Tensor, Tensor]:
        """Rows of up to `ABREAST` edges that may be substrates and share their metabolite.

        Returns the metabolite of each row, shape (G,), and the place of each edge in the rows end to end, (E_sub,).
        """
        metabolites, places, row_of = list[int](), list[int](), dict[tuple[int, int], int]()
        number = Counter[int]()
        for metabolite in self.met_sub.tolist():
            row, abreast = divmod(number[metabolite], ABREAST)
            number[metabolite] += 1
            if not abreast:
                row_of[metabolite, row] = len(metabolites)
                metabolites.append(metabolite)
            places.append(row_of[metabolite, row] * ABREAST + abreast)
        device = self.met_sub.device
        return torch.tensor(metabolites, device=device), torch.tensor(places, device=device)


@dataclass(frozen=True)
class Constraints:
    """The regime's constraints on every column of S.

    Attributes:
        alphabet: the magnitudes that a coefficient may have.
        mass_balanced: true if every column sums to zero.
        max_substrates, max_products: the largest numbers that a reaction has; the smallest are 1.
        may_be_absent: true if the coefficient of an edge may be zero.
    """

    alphabet: tuple[int, ...]
    mass_balanced: bool
    max_substrates: int
    max_products: int
    may_be_absent: bool


@dataclass(frozen=True)
class RateStructure:
    """The statements of a regime on its rates. Species are the N metabolites, then the U inputs.

    Attributes:
        reversible: true for reactions whose rate depends on the products too, and may be negative, shape (R,).
        met_reg, rxn_reg: species and reaction of each regulator, shape (G,).
        volume: volume around each metabolite, shape (N,): dc/dt is S times the rates, over this volume.
        inputs: the inputs over time, as columns, shape (U, F).
    """

    reversible: Tensor
    met_reg: Tensor
    rxn_reg: Tensor
    volume: Tensor
    inputs: Tensor

    @classmethod
    def read(cls, arrays: Mapping[str, Any], graph: Graph, frames: int) -> RateStructure:
        """Return what arrays of these names state; those that are absent mean one-way reactions without regulators."""
        none = np.zeros(0, dtype=np.int64)
        inputs = arrays.get("inputs", np.zeros((frames, 0)))
        parts = (
            arrays.get("reversible", np.zeros(graph.n_reactions, dtype=bool)),
            arrays.get("met_reg", none),
            arrays.get("rxn_reg", none),
            arrays.get("volume", np.ones(graph.n_metabolites)).astype(np.float32),
            np.ascontiguousarray(inputs.reshape(frames, -1).T.astype(np.float32)),
        )
        return cls(*(torch.from_numpy(part).to(graph.met_all.device) for part in parts))


@dataclass(frozen=True)
class Observations:
    """All frames, float32.

    Attributes:
        time: time of each frame of each trajectory, shape (trajectories, frames).
        concentration, dcdt: the frames of all trajectories end to end, as columns, shape (N, F). If the file has no
            dc/dt, it is estimated from the concentrations, which are then smoothed.
        structure: the statements on rates.
    """

    graph: Graph
    constraints: Constraints
    time: Tensor
    concentration: Tensor
    dcdt: Tensor
    structure: RateStructure

    @property
    def species(self) -> Tensor:
        """Return the concentrations, then the inputs, shape (N + U, F)."""
        inputs = self.structure.inputs
        return torch.cat([self.concentration, inputs]) if len(inputs) else self.concentration


def read_observations(path: Path, device: torch.device) -> Observations:
    """Read `observations.npz` and lay trajectories end to end."""
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
        structure = RateStructure.read(arrays, graph, time.size)
        given = (concentration, arrays["dcdt"]) if "dcdt" in arrays else smooth(time, concentration)
        concentration, dcdt = (
            torch.from_numpy(values.reshape(-1, graph.n_metabolites).T.astype(np.float32)).contiguous().to(device)
            for values in given
        )
    times = torch.from_numpy(time.astype(np.float32)).to(device)
    return Observations(graph, constraints, times, concentration, dcdt, structure)

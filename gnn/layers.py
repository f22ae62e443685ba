"""Message passing between the two kinds of node. Frames are the feature columns, so a batch is one pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "silu": nn.SiLU}


class ScalarFunction(nn.Module):
    """A multi-layer perceptron from a few scalars to one scalar, applied to every entry of its inputs."""

    def __init__(self, inputs: int, width: int, depth: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for layer in range(depth):
            layers += [nn.Linear(inputs if layer == 0 else width, width), ACTIVATIONS[activation]()]
        self.network = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs of one shape; the result has that shape too."""
        result: Tensor = self.network(torch.stack(inputs, dim=-1)).squeeze(-1)
        return result


class SubstrateAggregation(MessagePassing):  # type: ignore[misc]  # PyG ships no types
    """h_j = sum over substrate edges of j of substrate_func(c_i, |S_ij|): metabolites speak to reactions."""

    def __init__(self, substrate_func: nn.Module) -> None:
        super().__init__(aggr="sum", node_dim=0)
        self.substrate_func = substrate_func

    def forward(self, concentration: Tensor, magnitude: Tensor, edges: Tensor, n_reactions: int) -> Tensor:
        """(N, B), (E_sub,), (2, E_sub) -> h, shape (R, B)."""
        size = (concentration.shape[0], n_reactions)
        h: Tensor = self.propagate(edges, x=(concentration, None), magnitude=magnitude, size=size)
        return h

    def message(self, x_j: Tensor, magnitude: Tensor) -> Tensor:
        """What one substrate says to its reaction, shape (E_sub, B)."""
        message: Tensor = self.substrate_func(x_j, magnitude.unsqueeze(-1).expand_as(x_j))
        return message


class StoichiometricUpdate(MessagePassing):  # type: ignore[misc]  # PyG ships no types
    """dc_i/dt = sum_j S_ij v_j: reactions speak to metabolites."""

    def __init__(self) -> None:
        super().__init__(aggr="sum", node_dim=0)

    def forward(self, rate: Tensor, sto_all: Tensor, edges: Tensor, n_metabolites: int) -> Tensor:
        """(R, B), (E,), (2, E) from reactions to metabolites -> dc/dt, shape (N, B)."""
        size = (rate.shape[0], n_metabolites)
        dcdt: Tensor = self.propagate(edges, x=(rate, None), sto_all=sto_all, size=size)
        return dcdt

    def message(self, x_j: Tensor, sto_all: Tensor) -> Tensor:
        """What one reaction does to a metabolite, shape (E, B)."""
        return sto_all.unsqueeze(-1) * x_j

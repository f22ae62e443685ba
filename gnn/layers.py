"""Message passing on the bipartite graph, from metabolites to reactions and back.

Frames are the feature columns, so a batch is one pass. Messages are gathered and summed in plain torch: importing
PyTorch Geometric's `MessagePassing`, which gives the same sums, takes 2 s of every trial.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnn.interpolation import interpolated_by_rows
from gnn.observations import ABREAST, Graph
from gnn.sums import gathered, summed

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class ScalarFunction(nn.Module):
    """A multi-layer perceptron from a few scalars to one scalar, applied to every entry of its inputs."""

    def __init__(self, inputs: int, width: int, depth: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for layer in range(depth):
            layers += [nn.Linear(inputs if layer == 0 else width, width), ACTIVATIONS[activation]()]
        self.network = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return the values of the function at inputs of one shape, in that shape."""
        result: Tensor = self.network(torch.stack(inputs, dim=-1)).squeeze(-1)
        return result


class Gate(nn.Module):
    """g(x) = sigmoid(x W_g + b_g): the share of a node's message that passes, one for each head."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, heads)

    def forward(self, x: Tensor) -> Tensor:
        """Return shares in [0, 1], shape (..., H), for features of shape (..., F)."""
        share: Tensor = self.linear(x).sigmoid()
        return share


class EdgeAttention(nn.Module):
    """alpha_e: a free share of the message of each edge, for each head. It starts at one half."""

    def __init__(self, edges: int, heads: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(edges, heads))

    def forward(self) -> Tensor:
        """Return shares in [0, 1], shape (E, H)."""
        return self.logit.sigmoid()


class SubstrateAggregation(nn.Module):
    """h_j = sum of the messages of the substrates i of reaction j.

    A message is p_ij activation(alpha_ij g(c_i) substrate_func(c_i, |S_ij|)). p_ij in [0, 1] is the presence of the
    edge. Without a gate g is 1, without attention alpha is 1.
    """

    def __init__(
        self,
        substrate_func: nn.Module,
        gate: Gate | None = None,
        attention: EdgeAttention | None = None,
        activation: str = "identity",
    ) -> None:
        super().__init__()
        self.substrate_func = substrate_func
        self.gate = gate
        self.attention = attention
        self.activation = ACTIVATIONS[activation]()

    def forward(self, concentration: Tensor, magnitude: Tensor, presence: Tensor, graph: Graph) -> Tensor:
        """Return h, shape (R, B), for concentration of shape (N, B), magnitude and presence of shape (E_sub,)."""
        alpha = None if self.attention is None else self.attention()
        metabolite, place = graph.substrate_rows
        abreast = summed(magnitude, place, len(metabolite) * ABREAST)
        rows = gathered(concentration, metabolite)
        values = interpolated_by_rows(self.substrate_func, rows, abreast.view(-1, ABREAST)).flatten(0, 1)
        x = gathered(concentration, graph.met_sub)
        messages = presence.unsqueeze(-1) * self._passed(gathered(values, place), x, alpha)
        return summed(messages, graph.rxn_sub, graph.n_reactions)

    def typical_message(self, concentration: Tensor, magnitude: Tensor) -> Tensor:
        """Return the message of a present edge at c and |s| of one shape; attention is replaced by its mean."""
        value = self.substrate_func(concentration, magnitude)
        return self._passed(value, concentration, None if self.attention is None else self.attention().mean())

    def _passed(self, value: Tensor, concentration: Tensor, alpha: Tensor | None) -> Tensor:
        if self.gate is not None:
            value = self.gate(concentration.unsqueeze(-1)).squeeze(-1) * value
        if alpha is not None:
            value = alpha * value
        passed: Tensor = self.activation(value)
        return passed


class StoichiometricUpdate(nn.Module):
    """dc_i/dt = sum over j of S_ij v_j: messages from reactions to metabolites."""

    def forward(self, rate: Tensor, sto_all: Tensor, graph: Graph) -> Tensor:
        """Return dc/dt, shape (N, B), for rates of shape (R, B) and coefficients of shape (E,)."""
        contributions = sto_all.unsqueeze(-1) * gathered(rate, graph.rxn_all)
        return summed(contributions, graph.met_all, graph.n_metabolites)

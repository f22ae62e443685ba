"""Message passing on the network: between its two kinds of node, and among the metabolites of a reaction.

In the model, frames are the feature columns, so a batch is one pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from gnn.interpolation import interpolated_by_rows

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
        """Inputs of one shape; the result has that shape too."""
        result: Tensor = self.network(torch.stack(inputs, dim=-1)).squeeze(-1)
        return result


class Gate(nn.Module):
    """g(x) = sigmoid(x W_g + b_g): how much of what a node says is heard, one share a head."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, heads)

    def forward(self, x: Tensor) -> Tensor:
        """(..., F) -> shares in [0, 1], shape (..., H)."""
        share: Tensor = self.linear(x).sigmoid()
        return share


class EdgeAttention(nn.Module):
    """alpha_e: how much an edge lets through, a free share for each edge and head. It starts at one half."""

    def __init__(self, edges: int, heads: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(edges, heads))

    def forward(self) -> Tensor:
        """Shares in [0, 1], shape (E, H)."""
        return self.logit.sigmoid()


class SubstrateAggregation(MessagePassing):  # type: ignore[misc]  # PyG ships no types
    """h_j = sum over substrate edges of j of the message of substrate i: metabolites speak to reactions.

    The message is p_ij activation(alpha_ij g(c_i) substrate_func(c_i, |S_ij|)) with the presence p of the edge, 0 to
    1; without a gate g is 1, without attention alpha is 1.
    """

    def __init__(
        self,
        substrate_func: nn.Module,
        gate: Gate | None = None,
        attention: EdgeAttention | None = None,
        activation: str = "identity",
    ) -> None:
        super().__init__(aggr="sum", node_dim=0)
        self.substrate_func = substrate_func
        self.gate = gate
        self.attention = attention
        self.activation = ACTIVATIONS[activation]()

    def forward(
        self, concentration: Tensor, magnitude: Tensor, presence: Tensor, edges: Tensor, n_reactions: int
    ) -> Tensor:
        """(N, B), (E_sub,), (E_sub,), (2, E_sub) -> h, shape (R, B)."""
        size = (concentration.shape[0], n_reactions)
        alpha = None if self.attention is None else self.attention()
        x = (concentration, None)
        h: Tensor = self.propagate(edges, x=x, magnitude=magnitude, presence=presence, alpha=alpha, size=size)
        return h

    def message(self, x_j: Tensor, magnitude: Tensor, presence: Tensor, alpha: Tensor | None) -> Tensor:
        """What one substrate says to its reaction, shape (E_sub, B)."""
        said = interpolated_by_rows(self.substrate_func, x_j, magnitude)
        return presence.unsqueeze(-1) * self._passed(said, x_j, alpha)

    def typical_message(self, concentration: Tensor, magnitude: Tensor) -> Tensor:
        """The message of a present edge by c and |s| of one shape: of every edge, or with attention of a mean one."""
        said = self.substrate_func(concentration, magnitude)
        return self._passed(said, concentration, None if self.attention is None else self.attention().mean())

    def _passed(self, said: Tensor, concentration: Tensor, alpha: Tensor | None) -> Tensor:
        if self.gate is not None:
            said = self.gate(concentration.unsqueeze(-1)).squeeze(-1) * said
        if alpha is not None:
            said = alpha * said
        passed: Tensor = self.activation(said)
        return passed


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


class StoichiometricHypergraphConv(MessagePassing):  # type: ignore[misc]  # PyG ships no types
    """Gated convolution on the hypergraph of reactions: the members of a reaction speak to each other.

        m_ij = alpha_e g_j norm_i s_e (W x_j)        h_i = activation(sum of m_ij)

    over the incidences e of metabolite i and every other member j of the reaction of e. s_e is the signed
    coefficient of the listener: of one and the same message, what makes i and what consumes it hear opposite signs.
    norm_i is 1 / the number of reactions of i. Each head has its own W (F_in -> F_out) and gate g; ungated, g is 1.
    """

    def __init__(
        self, in_features: int, out_features: int, heads: int = 1, activation: str = "tanh", *, gated: bool = True
    ) -> None:
        super().__init__(aggr="sum", node_dim=0)
        self.heads, self.out_features = heads, out_features
        self.linear = nn.Linear(in_features, heads * out_features, bias=False)
        self.gate = Gate(in_features, heads) if gated else None
        self.activation = ACTIVATIONS[activation]()

    def forward(
        self, x: Tensor, coefficients: Tensor, incidences: Tensor, n_reactions: int, attention: Tensor | None = None
    ) -> Tensor:
        """One pass over the hypergraph, linear in the number of incidences.

        Args:
            x: features of the metabolites, shape (N, F_in).
            coefficients: s, signed, shape (E,).
            incidences: metabolite and reaction of each, shape (2, E); a metabolite is in a reaction once.
            n_reactions: R, the number of hyperedges.
            attention: alpha, in [0, 1], shape (E, H), as of `EdgeAttention`; None is 1 everywhere.

        Returns:
            h, shape (N, H, F_out).
        """
        metabolite, reaction = incidences
        said = self.linear(x).view(len(x), self.heads, self.out_features)
        if self.gate is not None:
            said = self.gate(x).unsqueeze(-1) * said
        together = said.new_zeros(n_reactions, *said.shape[1:]).index_add(0, reaction, said[metabolite])
        norm = 1.0 / torch.bincount(metabolite, minlength=len(x)).clamp(min=1)
        weight = (norm[metabolite] * coefficients).unsqueeze(-1)
        if attention is not None:
            weight = attention * weight
        size = (n_reactions, len(x))
        h: Tensor = self.activation(self.propagate(incidences.flip(0), x=(together, said), weight=weight, size=size))
        return h

    def message(self, x_j: Tensor, x_i: Tensor, weight: Tensor) -> Tensor:
        """What a reaction's members other than the listener say together, shape (E, H, F_out)."""
        return weight.unsqueeze(-1) * (x_j - x_i)

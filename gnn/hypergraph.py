"""Message passing on the hypergraph of reactions: the metabolites of a reaction exchange messages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnn.layers import ACTIVATIONS, EdgeAttention, Gate
from gnn.observations import Graph
from gnn.sums import gathered, summed

_HEADS = 4


class StoichiometricHypergraphConv(nn.Module):
    """Gated convolution on the hypergraph whose nodes are metabolites and whose hyperedges are reactions.

        m_e = alpha_e norm_i s_e sum over j of p_ej g(x_j) W x_j        h_i = activation(sum over e of m_e)

    e runs over the incidences of metabolite i, j over the other metabolites in the reaction of e. s_e is the signed
    coefficient of the receiver i, so producers and consumers receive the same message with opposite sign. p_ej in
    [0, 1] is the presence of j in that reaction. norm_i is 1 / (sum of the presences of i, at least 1), which is
    1 / (number of its reactions) if no edge is absent. Each head has its own W (F_in -> F_out), gate g and attention
    alpha.

    Adapted from Bai, Zhang and Torr (2021), "Hypergraph convolution and hypergraph attention", Pattern Recognition 110,
    107637: X' = activation(D^-1 H W B^-1 H^T X P). norm is D^-1 and W is P. The receiver's incidence carries its
    coefficient, a node does not receive its own message, and a reaction's messages are summed, not averaged (no B^-1).

    The model uses it through `MetaboliteExchange`.
    """

    def __init__(self, in_features: int, out_features: int, heads: int = 1, activation: str = "tanh") -> None:
        super().__init__()
        self.heads, self.out_features = heads, out_features
        self.linear = nn.Linear(in_features, heads * out_features, bias=False)
        self.gate = Gate(in_features, heads)
        self.activation = ACTIVATIONS[activation]()

    def forward(
        self,
        x: Tensor,
        coefficients: Tensor,
        metabolite: Tensor,
        reaction: Tensor,
        n_reactions: int,
        presence: Tensor | None = None,
        attention: Tensor | None = None,
    ) -> Tensor:
        """Run one pass over the hypergraph, linear in the number of incidences.

        Args:
            x: features of the metabolites, shape (N, ..., F_in). Dimensions in the middle, such as frames, are
                independent of each other.
            coefficients: s, signed, shape (E,).
            metabolite, reaction: those of each incidence, shape (E,); a metabolite is in a reaction once.
            n_reactions: R, the number of hyperedges.
            presence: p, in [0, 1], shape (E,); None is 1 everywhere.
            attention: alpha, in [0, 1], shape (E, H), as of `EdgeAttention`; None is 1 everywhere.

        Returns:
            h, shape (N, ..., H, F_out).
        """
        present = torch.ones_like(coefficients) if presence is None else presence
        degree = summed(present, metabolite, len(x))
        weight = (coefficients / gathered(degree.clamp(min=1.0), metabolite)).unsqueeze(-1)
        if attention is not None:
            weight = attention * weight
        # One axis for each in the middle of x, so that values of an edge apply to all its frames.
        per_edge = (-1, *[1] * (x.dim() - 2))
        messages = self.gate(x).unsqueeze(-1) * self.linear(x).unflatten(-1, (self.heads, self.out_features))
        sent = present.view(*per_edge, 1, 1) * gathered(messages, metabolite)
        total = summed(sent, reaction, n_reactions)
        weight = weight.view(*per_edge, weight.shape[-1], 1)
        received = weight * (gathered(total, reaction) - sent)
        activated: Tensor = self.activation(summed(received, metabolite, len(x)))
        return activated


class MetaboliteExchange(nn.Module):
    """x_i <- x_i + mean over heads of StoichiometricHypergraphConv(x, S)_i, for the scaled concentration x_i.

    `gnn/model.py` uses it with `message: hypergraph`. Each frame is convolved by itself, with one feature in and one
    out, so every metabolite gets one correction per frame, of at most one standard deviation. `substrate_func` then
    reads the corrected concentration and stays a function of two scalars, which can be interpolated and tabulated.
    """

    def __init__(self, edges: int, *, attention: bool) -> None:
        super().__init__()
        self.conv = StoichiometricHypergraphConv(1, 1, _HEADS)
        nn.init.zeros_(self.conv.linear.weight)  # training starts without corrections
        self.attention = EdgeAttention(edges, _HEADS) if attention else None

    def forward(self, x: Tensor, sto_all: Tensor, membership: Tensor, graph: Graph) -> Tensor:
        """Return corrected concentrations, shape (N, B), for scaled ones of that shape.

        sto_all and membership, the presence of each edge, have shape (E,).
        """
        attention = None if self.attention is None else self.attention()
        edges = graph.met_all, graph.rxn_all
        heads = self.conv(x.unsqueeze(-1), sto_all, *edges, graph.n_reactions, membership, attention)
        correction: Tensor = heads.squeeze(-1).mean(dim=-1)
        return x + correction

"""MetabolismPropagation: the model that mirrors PDE_M1."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gnn.config import Configuration
from gnn.interpolation import interpolated
from gnn.layers import EdgeAttention, Gate, ScalarFunction, StoichiometricUpdate, SubstrateAggregation
from gnn.observations import Observations


class MetabolismPropagation(nn.Module):
    """dc_i/dt = sum_j S_ij 10^log_k_j softplus(rate_func(h_j)) on the bipartite graph.

    Where roles are not told or edges may be absent, a message is weighted by how much of a substrate its edge is.

    Attributes:
        sto_all: one free signed coefficient an edge, shape (E,). This is the starting formulation.
        log_k: log10 of the rate constants, shape (R,).
        substrate_func, rate_func: shared by all reactions.
    """

    shift: Tensor
    width: Tensor
    substrate_edges: Tensor
    all_edges: Tensor

    def __init__(self, observations: Observations, config: Configuration) -> None:
        super().__init__()
        graph = observations.graph
        self.graph = graph
        self.may_be_absent = observations.constraints.may_be_absent
        self.roles_told = bool((graph.role != 0).all())
        self.sto_all = nn.Parameter(config.init_scale_S * torch.randn(len(graph.met_all)))
        # Rates start at the size of the observed dc/dt, whatever its unit.
        start = math.log10(float(observations.dcdt.square().mean().sqrt()))
        self.log_k = nn.Parameter(torch.full((graph.n_reactions,), start))
        self.substrate_func = ScalarFunction(2, config.width, config.depth, config.activation)
        self.rate_func = ScalarFunction(1, config.width, config.depth, config.activation)
        # Drawn last: with and without a gate, a seed starts the rest from the same values.
        self.aggregation = SubstrateAggregation(
            self.substrate_func,
            gate=Gate(1, 1) if config.gate == "sigmoid" else None,
            attention=EdgeAttention(len(graph.met_sub), 1) if config.attention == "edge" else None,
            activation=config.message_activation,
        )
        self.update = StoichiometricUpdate()
        self.register_buffer("shift", observations.concentration.mean().cpu())
        self.register_buffer("width", observations.concentration.std().cpu())
        self.register_buffer("substrate_edges", torch.stack([graph.met_sub, graph.rxn_sub]), persistent=False)
        self.register_buffer("all_edges", torch.stack([graph.rxn_all, graph.met_all]), persistent=False)

    def presence(self, coefficient: Tensor) -> Tensor:
        """How much of a substrate an edge with this coefficient is, 0 to 1, for edges that may be substrates.

        1 where that is known; else it grows with the coefficient, with its negative part where the sign is all
        that makes an edge a substrate, so that an absent edge is silent.
        """
        if not self.roles_told:
            return (-coefficient).clamp(0.0, 1.0)
        return coefficient.abs().clamp(max=1.0) if self.may_be_absent else torch.ones_like(coefficient)

    def drive(self, concentration: Tensor) -> Tensor:
        """h, shape (R, B), from concentrations of shape (N, B)."""
        coefficient = self.sto_all[self.graph.sub_to_all]
        scaled = (concentration - self.shift) / self.width
        presence, edges = self.presence(coefficient), self.substrate_edges
        h: Tensor = self.aggregation(scaled, coefficient.abs(), presence, edges, self.graph.n_reactions)
        return h

    def rate(self, h: Tensor) -> Tensor:
        """v, shape (R, B)."""
        return torch.pow(10.0, self.log_k).unsqueeze(-1) * softplus(interpolated(self.rate_func, h))

    def forward(self, concentration: Tensor) -> Tensor:
        """dc/dt, shape (N, B)."""
        rate = self.rate(self.drive(concentration))
        dcdt: Tensor = self.update(rate, self.sto_all, self.all_edges, self.graph.n_metabolites)
        return dcdt

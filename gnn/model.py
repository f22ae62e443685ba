"""MetabolismPropagation, the model that mirrors PDE_M1."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gnn.config import Configuration
from gnn.hypergraph import MetaboliteExchange
from gnn.interpolation import interpolated
from gnn.layers import EdgeAttention, Gate, ScalarFunction, StoichiometricUpdate, SubstrateAggregation
from gnn.observations import Observations
from gnn.rate_laws import RateLaws
from gnn.sums import gathered


class MetabolismPropagation(nn.Module):
    """dc_i/dt = sum over j of S_ij 10^log_k_j softplus(rate_func(h_j)) on the bipartite graph.

    h_j = sum over substrates i of substrate_func(x_i, |S_ij|)        x_i = the scaled concentration of i

    Where volumes are stated, dc_i/dt is divided by that around i. With `laws: own` each reaction has a rate law of its
    own in place of both functions (`rate_laws.py`).

    With `message: hypergraph` the metabolites of a reaction first exchange messages, which correct x_i. Unknown roles
    and edges that may be absent are handled by weights in [0, 1]: `presence` weights the messages of substrates in h_j,
    `membership` the messages of the exchange.

    Attributes:
        sto_all: one free signed coefficient for each edge, shape (E,). This is the starting formulation.
        log_k: log10 of the rate constants, shape (R,).
        substrate_func, rate_func: shared by all reactions. laws: in place of both; None with `laws: shared`.
        exchange: corrects x; None with `message: substrates`.
    """

    shift: Tensor
    width: Tensor

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
        # Optional parts are drawn last: with or without them, a seed starts the rest from the same values.
        self.aggregation = SubstrateAggregation(
            self.substrate_func,
            gate=Gate(1, 1) if config.gate == "sigmoid" else None,
            attention=EdgeAttention(len(graph.met_sub), 1) if config.attention == "edge" else None,
            activation=config.message_activation,
        )
        self.exchange = None
        if config.message == "hypergraph":
            self.exchange = MetaboliteExchange(len(graph.met_all), attention=config.attention == "edge")
        self.laws = None
        if config.laws == "own":
            self.laws = RateLaws(observations, config.width, config.depth, config.activation)
        self.update = StoichiometricUpdate()
        self.register_buffer("shift", observations.concentration.mean().cpu())
        self.register_buffer("width", observations.concentration.std().cpu())
        volume = observations.structure.volume
        self.volume = None if bool((volume == 1.0).all()) else volume.unsqueeze(-1)

    def presence(self, coefficient: Tensor) -> Tensor:
        """Return the weight in [0, 1] of an edge as a substrate, for edges that may be substrates.

        Where roles are unknown, only the sign makes an edge a substrate: the weight grows with the coefficient's
        negative part. Else it is the edge's membership.
        """
        return self.membership(coefficient) if self.roles_told else (-coefficient).clamp(0.0, 1.0)

    def membership(self, coefficient: Tensor) -> Tensor:
        """Return the weight in [0, 1] of an edge in its reaction: 1, or min(|S|, 1) where edges may be absent."""
        return coefficient.abs().clamp(max=1.0) if self.may_be_absent else torch.ones_like(coefficient)

    def drive(self, concentration: Tensor) -> Tensor:
        """Return h, shape (R, B), for concentrations of shape (N, B)."""
        coefficient = gathered(self.sto_all, self.graph.sub_to_all)
        scaled = self.exchanged((concentration - self.shift) / self.width)
        h: Tensor = self.aggregation(scaled, coefficient.abs(), self.presence(coefficient), self.graph)
        return h

    def exchanged(self, scaled: Tensor) -> Tensor:
        """Return scaled concentrations, shape (N, B), after the exchange, if the model has one."""
        if self.exchange is None:
            return scaled
        x: Tensor = self.exchange(scaled, self.sto_all, self.membership(self.sto_all), self.graph)
        return x

    def rates(self, species: Tensor) -> Tensor:
        """Return v, shape (R, B), for metabolites and inputs of shape (N + U, B)."""
        if self.laws is None:
            driven = softplus(interpolated(self.rate_func, self.drive(species)))
        else:
            driven = self.laws(species, self.presence(gathered(self.sto_all, self.graph.sub_to_all)))
        return torch.pow(10.0, self.log_k).unsqueeze(-1) * driven

    def forward(self, species: Tensor) -> Tensor:
        """Return dc/dt, shape (N, B), for metabolites and inputs of shape (N + U, B)."""
        amounts: Tensor = self.update(self.rates(species), self.sto_all, self.graph)
        return amounts if self.volume is None else amounts / self.volume

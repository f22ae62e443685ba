"""A rate law of its own for each reaction: each participant scales the rate by a function of its concentration.

    v_j = 10^log_k_j  prod over the participants p of j of f_p(c_p)  (1 - G_j / K_j)
    f_p = (c_p / mean)^order_p exp(factor_func(x_p, z_p))        G_j = prod over its members p of (c_p / mean)^balance_p

Participants are the substrates, the products if the reaction is reversible, and the regulators. x_p is the logarithm of
the concentration of p, less its mean. All participants share the perceptron factor_func; the embedding z_p, shape (D,),
gives each a function of its own. The last factor, present only in reversible reactions, is the distance from
equilibrium (Haldane 1930); G_j is the mass-action ratio. Training starts at mass action (Savageau 1969, J. Theor. Biol.
25, 365): order 1 for substrates and 0 for all others, factor_func 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gnn.interpolation import interpolated_along
from gnn.layers import ScalarFunction
from gnn.observations import Observations
from gnn.sums import summed

_EMBEDDING = 4
_SPREAD = 0.1  # standard deviation of the initial embeddings
_FLOOR = 1e-3  # of the mean concentration: added to each, so that the logarithm of zero is finite
_LARGEST, _FARTHEST = 12.0, 8.0  # logarithm of a factor, of G / K


class RateLaws(nn.Module):
    """The laws of R reactions with P participants: substrates first, in the order of `Graph.met_sub`.

    Attributes:
        order: kinetic order of each participant, shape (P,). embedding: shape (P, D).
        balance: exponent in the mass-action ratio, shape (P,). in_ratio: 1 for members of reversible reactions, else 0.
        log_equilibrium: natural logarithm of K, shape (R,).
        factor_func: shared by all participants.
    """

    floor: Tensor
    centre: Tensor

    def __init__(self, observations: Observations, width: int, depth: int, activation: str) -> None:
        super().__init__()
        graph, structure, species = observations.graph, observations.structure, observations.species.cpu()
        product = (graph.role > 0) & structure.reversible[graph.rxn_all]
        self.species = torch.cat([graph.met_sub, graph.met_all[product], structure.met_reg])
        self.reaction = torch.cat([graph.rxn_sub, graph.rxn_all[product], structure.rxn_reg])
        counts = torch.tensor([len(graph.met_sub), int(product.sum()), len(structure.met_reg)])
        side = torch.tensor([-1.0, 1.0, 0.0]).repeat_interleave(counts)
        self.reversible, self.one_way = structure.reversible, not bool(structure.reversible.any())
        self.in_ratio = side.abs().to(graph.met_all.device) * self.reversible[self.reaction]
        self.order = nn.Parameter((side < 0).float())
        self.balance = nn.Parameter(side.clone())
        self.embedding = nn.Parameter(_SPREAD * torch.randn(len(side), _EMBEDDING))
        self.log_equilibrium = nn.Parameter(torch.zeros(graph.n_reactions))
        self.factor_func = ScalarFunction(1 + _EMBEDDING, width, depth, activation)
        for parameter in self.factor_func.network[-1].parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("floor", _FLOOR * species.mean(1, keepdim=True).clamp(min=1e-30))
        self.register_buffer("centre", self._logarithm(species).mean(1, keepdim=True))

    def _logarithm(self, species: Tensor) -> Tensor:
        return (species.clamp(min=0.0) + self.floor).log()

    def forward(self, species: Tensor, presence: Tensor) -> Tensor:
        """Return v / 10^log_k, shape (R, B), for species of shape (N + U, B).

        presence, in [0, 1], is that of each edge that may be a substrate, shape (E_sub,): the factor of an absent one
        is 1.
        """
        x = (self._logarithm(species) - self.centre).index_select(0, self.species)
        by_participant = self.embedding.unsqueeze(1).unbind(-1)
        learned = interpolated_along(
            lambda nodes: self.factor_func(nodes, *(part.expand_as(nodes) for part in by_participant)), x
        )
        others = presence.new_ones(len(x) - len(presence))
        factors = torch.cat([presence, others]).unsqueeze(-1) * (self.order.unsqueeze(-1) * x + learned)
        reactions = len(self.log_equilibrium)
        rate = summed(factors, self.reaction, reactions).clamp(max=_LARGEST).exp()
        if self.one_way:
            return rate
        ratio = summed((self.in_ratio * self.balance).unsqueeze(-1) * x, self.reaction, reactions)
        apart = -(ratio - self.log_equilibrium.unsqueeze(-1)).clamp(max=_FARTHEST).expm1()
        return torch.where(self.reversible.unsqueeze(-1), rate * apart, rate)

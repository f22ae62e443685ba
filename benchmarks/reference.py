"""The model as a reader of its equations would first write it: one frame at a time, no message passing library.

What `benchmarks.speed` compares the training of `gnn/` with. `batch` is the same with all frames of a mini-batch in one
pass, every point through the perceptrons: what is won without changing how functions are evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gnn.observations import Observations

FRAMES = 8  # a mini-batch of the reference
WIDTH = 32


class Reference(nn.Module):
    """dc_i/dt = sum_j S_ij 10^log_k_j softplus(rate_func(h_j)), h_j = sum_i substrate_func(c_i, |S_ij|)."""

    def __init__(self, observations: Observations) -> None:
        super().__init__()
        self.graph = graph = observations.graph
        self.sto_all = nn.Parameter(0.5 * torch.randn(len(graph.met_all)))
        self.scale = float(observations.dcdt.square().mean().sqrt())
        self.log_k = nn.Parameter(torch.full((graph.n_reactions,), math.log10(self.scale)))
        self.substrate_func, self.rate_func = _perceptron(2), _perceptron(1)

    def forward(self, concentration: Tensor) -> Tensor:
        """Return dc/dt of shape (N,) from one frame of that shape, or (N, B) from several."""
        graph = self.graph
        c = concentration[graph.met_sub]
        frames = (1,) * (concentration.dim() - 1)
        magnitude = self.sto_all[graph.sub_to_all].abs().view(-1, *frames).expand_as(c)
        messages = self.substrate_func(torch.stack([c, magnitude], dim=-1)).squeeze(-1)
        h = messages.new_zeros(graph.n_reactions, *c.shape[1:]).index_add(0, graph.rxn_sub, messages)
        k = torch.pow(10.0, self.log_k).view(-1, *frames)
        rate = k * softplus(self.rate_func(h.unsqueeze(-1)).squeeze(-1))
        changes = self.sto_all.view(-1, *frames) * rate[graph.rxn_all]
        return changes.new_zeros(graph.n_metabolites, *c.shape[1:]).index_add(0, graph.met_all, changes)


def _perceptron(inputs: int) -> nn.Module:
    hidden = [nn.Linear(inputs, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh()]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, 1))


def by_frame(observations: Observations) -> Callable[[int], int]:
    """Return a function that takes the number of a step, performs it, and returns the count of its frames."""
    model = Reference(observations)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    concentration, dcdt = observations.concentration.T.contiguous(), observations.dcdt.T.contiguous()

    def step(number: int) -> int:
        first = FRAMES * number % (len(dcdt) - FRAMES)
        errors = [
            ((model(concentration[frame]) - dcdt[frame]) / model.scale).square().mean()
            for frame in range(first, first + FRAMES)
        ]
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(errors).mean())
        optimiser.step()
        return FRAMES

    return step


def by_batch(observations: Observations, frames: int) -> Callable[[int], int]:
    """Return the same for a whole mini-batch in one pass."""
    model = Reference(observations)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)

    def step(number: int) -> int:
        first = frames * number % (observations.dcdt.shape[1] - frames)
        c, d = (values[:, first : first + frames] for values in (observations.concentration, observations.dcdt))
        optimiser.zero_grad()
        torch.autograd.backward(((model(c) - d) / model.scale).square().mean())
        optimiser.step()
        return frames

    return step


def operations(observations: Observations) -> float:
    """Floating-point operations of one frame's share of a training step where every point goes through a perceptron.

    A multiply-add is two, and the gradient takes twice what the value takes; sums over edges and what is done to each
    hidden value are left out, as is usual.
    """
    graph = observations.graph
    inner = WIDTH * WIDTH + WIDTH
    points = len(graph.met_sub) * (2 * WIDTH + inner) + graph.n_reactions * (WIDTH + inner)
    return 3.0 * 2.0 * (points + len(graph.met_all))

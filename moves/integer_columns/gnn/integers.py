"""Integer least squares for the amounts of products, with substrates and rates held.

Reactions with nearly the same rate leave their amounts nearly undetermined; only the integers decide. Each column is
therefore judged with the rate constants of all other reactions refitted (orthogonal least squares; Chen, Billings &
Luo, Int. J. Control 1989), alone and together with the columns of reactions of nearly the same rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gnn.columns import Candidates
from gnn.projection import Fit, Problem

_RIDGE = 1e-9  # of the Gram matrix: rates that coincide exactly share what they explain
FLOOR = 1e-7  # share of a column's own power below which its projection is rounding error
_NEAR = 0.995  # correlation of rates from which reactions are judged together
_TOGETHER = 3
_COMBINATIONS = 4096
_ROUNDS = 8


@dataclass(frozen=True)
class System:
    """The linear least-squares problem for the rate constants, in normal form.

    Attributes:
        columns: integer columns in units of each metabolite's scale, shape (N, R).
        inverse: inverse of the Gram matrix of columns times rates, shape (R, R).
        constant: rate constants that solve it, shape (R,).
        overlap: mean over the frames of the product of two rates, shape (R, R).
        target: mean over the frames of dc/dt times a rate, shape (N, R).
    """

    columns: Tensor
    inverse: Tensor
    constant: Tensor
    overlap: Tensor
    target: Tensor

    def around(self, metabolite: Tensor, reactions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Remove `reactions` from the problem.

        Returns the other reactions of these metabolites, shape (O,), and their part of the inverse, shape (O, O), and
        of the rate constants, shape (O,), in the reduced problem (Schur complement of the inverse).
        """
        shared = (self.columns[metabolite] != 0).any(0)
        shared[reactions] = False
        others = torch.nonzero(shared)[:, 0]
        across = self.inverse[others.unsqueeze(1), reactions]
        drop = across @ torch.linalg.inv(self.inverse[reactions.unsqueeze(1), reactions])
        inverse = self.inverse[others.unsqueeze(1), others] - drop @ across.T
        return others, inverse, self.constant[others] - drop @ self.constant[reactions]


def system_of(problem: Problem, current: Fit, integers: Tensor) -> System:
    """Return the linear problem for these integers, shape (E,), with the rates of the fit."""
    columns = problem.matrix(integers / problem.scale[problem.graph.met_all])
    frames = current.rates.shape[1]
    overlap = current.rates @ current.rates.T / frames
    target = problem.dcdt @ current.rates.T / frames
    gram = (columns.T @ columns) * overlap
    power = columns.square().sum(0)
    gram.diagonal().add_(torch.where(power > 0, _RIDGE * power, 1.0))
    inverse = torch.linalg.inv(gram)
    return System(columns, inverse, inverse @ (columns * target).sum(0), overlap, target)


def settle(problem: Problem, current: Fit, candidates: Sequence[Candidates]) -> Tensor:
    """Return improved columns, shape (E,), with the substrates held.

    Reactions are improved one by one, and those of nearly the same rate together, until no change helps.
    """
    integers = current.columns
    sets = [(reaction,) for reaction in range(problem.graph.n_reactions)] + _near(problem, current)
    for _ in range(_ROUNDS):
        system, changed = system_of(problem, current, integers), False
        for chosen in sets:
            own = [candidates[reaction] for reaction in chosen]
            options = [_same_consumption(one, integers[one.edges]) for one in own]
            better = _better_columns(problem, current, system, integers, own, options)
            if better is not None:
                integers, changed = better, True
                system = system_of(problem, current, integers)
        if not changed:
            break
    return integers


def _near(problem: Problem, current: Fit) -> list[tuple[int, ...]]:
    """Return pairs and small groups of reactions that share a metabolite and whose rates are nearly collinear."""
    varying = current.rates - current.rates.mean(1, keepdim=True)
    varying = varying / varying.square().sum(1, keepdim=True).sqrt().clamp(min=1e-12)
    member = problem.matrix(torch.ones_like(current.columns)).T
    near = ((varying @ varying.T).abs() > _NEAR) & (member @ member.T > 0)
    near.fill_diagonal_(False)
    found: set[tuple[int, ...]] = set()
    for reaction in torch.nonzero(near.any(1))[:, 0].tolist():
        others = torch.nonzero(near[reaction])[:, 0].tolist()
        found |= {tuple(sorted((reaction, other))) for other in others}
        if 1 < len(others) < _TOGETHER:
            found.add(tuple(sorted((reaction, *others))))
    return sorted(found, key=lambda group: (len(group), group))


def _better_columns(
    problem: Problem,
    current: Fit,
    system: System,
    integers: Tensor,
    candidates: Sequence[Candidates],
    options: Sequence[Tensor],
) -> Tensor | None:
    """Return all integers with the best columns out of `options` for the reactions of `candidates`.

    Returns None if the present columns are as good, or if there are more than `_COMBINATIONS` choices.
    """
    sizes = [len(own) for own in options]
    count = math.prod(sizes)
    if not 1 <= count <= _COMBINATIONS:
        return None
    edges = torch.cat([own.edges for own in candidates])
    metabolite, owner = problem.graph.met_all[edges], problem.graph.rxn_all[edges]
    chosen = torch.unique(owner)
    others, inverse, constant = system.around(metabolite, chosen)
    unit = 1.0 / problem.scale[metabolite]
    across = (system.columns[metabolite] * system.overlap[owner])[:, others] * unit.unsqueeze(-1)
    target = system.target[metabolite, owner] * unit - across @ constant
    same = metabolite.unsqueeze(1) == metabolite
    metric = same * unit * unit.unsqueeze(1) * system.overlap[owner][:, owner] - across @ inverse @ across.T

    grid = torch.cartesian_prod(*[torch.arange(size, device=edges.device) for size in sizes]).view(count, -1)
    columns = target.new_zeros(count, len(candidates), len(edges))
    for place, (own, option) in enumerate(zip(candidates, options, strict=True)):
        start = sum(len(other.edges) for other in candidates[:place])
        columns[:, place, start : start + len(own.edges)] = option[grid[:, place]]
    gram = columns @ metric @ columns.mT + torch.diag_embed(FLOOR * (columns * unit).square().sum(2))
    pull = columns @ target
    constants = torch.linalg.solve(gram, pull)
    gain = (constants * pull).sum(1).masked_fill((constants <= 0).any(1), -1.0)
    best, now = int(gain.argmax()), torch.nonzero((columns.sum(1) == integers[edges]).all(1))[:, 0]
    if len(now) and gain[best] <= gain[now[0]] + 1e-9 * (gain[now[0]].abs() + current.mse):
        return None
    return integers.index_put((edges,), columns[best].sum(0))


def _same_consumption(own: Candidates, here: Tensor) -> Tensor:
    """Return the candidate columns with the same substrates and amounts as the present column `here`."""
    return own.columns[((-own.columns).clamp(min=0.0) == (-here).clamp(min=0.0)).all(1)]

"""Integer least squares by rows of S: all coefficients with which one metabolite is produced, judged together.

Where many reactions share a metabolite, its wrong coefficients compensate each other, and changing one alone does not
help. With the rates held, dc/dt of the metabolite is linear in its row of S, so the best row is a closest lattice
point. It is searched for through the triangular factor, keeping the best prefixes (K-best; Guo & Nilsson, IEEE J. Sel.
Areas Commun. 2006).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gnn.columns import Candidates
from gnn.projection import Fit, Problem

_PREFIXES = 512


def settle_rows(problem: Problem, current: Fit, candidates: Sequence[Candidates]) -> Tensor:
    """Return improved columns (E,), row by row, with substrates and rates held; as they are where columns balance."""
    columns = current.columns.clone()
    if problem.constraints.mass_balanced:
        return columns  # no coefficient of a column changes alone
    metabolite, reaction = problem.graph.met_all, problem.graph.rxn_all
    rates = current.rates * (current.constant / current.length).unsqueeze(-1)
    values = columns.new_tensor((0, *problem.constraints.alphabet))
    for row in torch.unique(metabolite).tolist():
        edges = torch.nonzero(metabolite == row)[:, 0]
        allowed = torch.stack([_allowed(candidates[int(reaction[edge])], edge, columns, values) for edge in edges])
        free = allowed.sum(1) > 1
        edges, allowed = edges[free], allowed[free]
        parts = rates[reaction[edges]] / problem.scale[row]
        target = columns[edges] @ parts - current.residual[row]
        columns[edges] = _closest(parts, target, values, allowed)
    return columns


def _allowed(own: Candidates, edge: Tensor, columns: Tensor, values: Tensor) -> Tensor:
    """Mark the values (V,) that an edge of a reaction may take while its others stay; none for a substrate."""
    differs = (own.columns != columns[own.edges]) & (own.edges != edge)
    taken = own.columns[~differs.any(1)][:, own.edges == edge]
    return (taken == values).any(0) & (columns[edge] >= 0)


def _closest(parts: Tensor, target: Tensor, values: Tensor, allowed: Tensor) -> Tensor:
    """Return z (m,), of the allowed values, with the least |z parts - target|, for parts (m, T) and target (T,)."""
    order = parts.square().sum(1).argsort(stable=True)
    q, r = torch.linalg.qr(parts[order].T)
    aim = q.T @ target
    prefixes, cost = values.new_zeros(1, len(order)), values.new_zeros(1)
    for place in range(len(order) - 1, -1, -1):
        options = values[allowed[order[place]]]
        prefixes = prefixes.repeat_interleave(len(options), 0)
        prefixes[:, place] = options.repeat(len(cost))
        cost = cost.repeat_interleave(len(options)) + (aim[place] - prefixes @ r[place]).square()
        best = cost.argsort(stable=True)[:_PREFIXES]
        prefixes, cost = prefixes[best], cost[best]
    found = torch.empty_like(prefixes[0])
    found[order] = prefixes[0]
    return found

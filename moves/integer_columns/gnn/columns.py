"""The integer columns of S that the regime allows for each reaction: sides, alphabet, balance, absent edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import torch
from torch import Tensor

from gnn.observations import Constraints, Graph


@dataclass(frozen=True)
class Candidates:
    """Allowed columns of one reaction.

    Attributes:
        edges: indices of its edges, shape (D,).
        substrates: indices of those that may be substrates, among all such edges, shape (Q,).
        columns: integer columns, shape (K, D).
        consumption: index into `labels` of the substrates that each column consumes, shape (K,).
        labels: 1 where a substrate edge has this magnitude, for each set of consumed amounts, shape (C, Q, M).
    """

    edges: Tensor
    substrates: Tensor
    columns: Tensor
    consumption: Tensor
    labels: Tensor


def candidates_of(graph: Graph, constraints: Constraints, magnitudes: int) -> list[Candidates]:
    """Return the candidates of every reaction, with coefficients among the first `magnitudes` of the alphabet."""
    known: dict[tuple[int, ...], tuple[Tensor, Tensor, Tensor]] = {}
    found = []
    for reaction in range(graph.n_reactions):
        edges = torch.nonzero(graph.rxn_all == reaction)[:, 0]
        roles = tuple(graph.role[edges].tolist())
        if roles not in known:
            known[roles] = _enumerate(roles, constraints, magnitudes, graph.role.device)
        found.append(Candidates(edges, torch.nonzero(graph.rxn_sub == reaction)[:, 0], *known[roles]))
    return found


def _enumerate(
    roles: tuple[int, ...], constraints: Constraints, magnitudes: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Return columns, consumption and labels: every pair of a left and a right side that the rules allow together."""
    alphabet = constraints.alphabet[:magnitudes]
    may_consume = [place for place, role in enumerate(roles) if role <= 0]
    may_produce = [place for place, role in enumerate(roles) if role >= 0]
    left = _sides(len(roles), may_consume, constraints.max_substrates, alphabet).to(device)
    right = _sides(len(roles), may_produce, constraints.max_products, alphabet).to(device)
    there_left, there_right = (left != 0).double(), (right != 0).double()
    together = there_left @ there_right.T == 0
    if constraints.mass_balanced:
        together &= left.sum(1).unsqueeze(1) == right.sum(1)
    if not constraints.may_be_absent:
        together &= there_left.sum(1).unsqueeze(1) + there_right.sum(1) == len(roles)
    left = left[together.any(1)]
    consumption, production = torch.nonzero(together[together.any(1)], as_tuple=True)
    every = torch.tensor(constraints.alphabet, dtype=left.dtype, device=device)
    labels = (left[:, may_consume].unsqueeze(-1) == every).double()
    return right[production] - left[consumption], consumption, labels


def _sides(edges: int, places: list[int], most: int, alphabet: tuple[int, ...]) -> Tensor:
    """Return all amounts of 1 to `most` metabolites at these places, shape (sides, edges)."""
    rows = []
    for count in range(1, min(most, len(places)) + 1):
        for chosen in combinations(places, count):
            for amounts in product(alphabet, repeat=count):
                row = [0.0] * edges
                for place, amount in zip(chosen, amounts, strict=True):
                    row[place] = float(amount)
                rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)

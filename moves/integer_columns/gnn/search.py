"""Search for the best integer column of each reaction, with any substrates, all rate constants refitted with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gnn.columns import Candidates
from gnn.integers import FLOOR, System, system_of
from gnn.projection import Fit, Problem

_SHORTLIST = 512  # columns of a reaction that are judged with all other rate constants refitted


@dataclass(frozen=True)
class Changes:
    """What a search proposes: columns (E,), and how much each reaction gains by its own (R,); 0: as it is."""

    columns: Tensor
    gain: Tensor

    def surest(self, problem: Problem, current: Fit, count: int) -> Tensor:
        """The present columns (E,) with those of the `count` reactions that gain most replaced."""
        chosen = highest(self.gain, count)
        return torch.where(chosen[problem.graph.rxn_all], self.columns, current.columns)


def highest(values: Tensor, count: int) -> Tensor:
    """Which of the values (R,) are the `count` highest, shape (R,)."""
    chosen = torch.zeros_like(values, dtype=torch.bool)
    chosen[values.argsort(descending=True, stable=True)[:count]] = True
    return chosen


def search(problem: Problem, current: Fit, candidates: Sequence[Candidates], thrift: float = 0.0) -> Changes:
    """The best column of every reaction, each by itself; a gain counts for magnitude ** -thrift of itself."""
    columns, gain = current.columns.clone(), problem.dcdt.new_zeros(problem.graph.n_reactions)
    system, messages = system_of(problem, current, current.columns), current.messages()
    for reaction, own in enumerate(candidates):
        present = (own.columns == current.columns[own.edges]).all(1)
        drive = torch.einsum("cqm,qtm->ct", own.labels, messages[problem.graph.met_sub[own.substrates]])
        rates = current.functions.rate(drive)
        rates = rates / rates.square().mean(1, keepdim=True).sqrt()
        listed = _shortlist(problem, current, own, reaction, rates, present)
        gains = _gains(problem, current, system, own, reaction, rates, listed)
        gains = gains * _magnitude(own.columns[listed]) ** -thrift
        best = int(gains.argmax())
        here = float((gains * present[listed]).max())
        if not present[listed[best]] and float(gains[best]) > here * (1 + 1e-9):
            columns[own.edges] = own.columns[listed[best]]
            gain[reaction] = gains[best] - here
    return Changes(columns, gain)


def _magnitude(columns: Tensor) -> Tensor:
    """Mean magnitude of the coefficients of each column that are not zero, shape (K,) of (K, D)."""
    return columns.abs().sum(1) / (columns != 0).sum(1)


def _shortlist(
    problem: Problem, current: Fit, own: Candidates, reaction: int, rates: Tensor, present: Tensor
) -> Tensor:
    """The columns that gain most while all other rate constants stay, and the present one."""
    if len(own.columns) <= _SHORTLIST:
        return torch.arange(len(own.columns), device=rates.device)
    metabolite = problem.graph.met_all[own.edges]
    unit = 1.0 / problem.scale[metabolite]
    strength = current.design[metabolite, reaction] * current.constant[reaction]
    unexplained = strength.unsqueeze(-1) * current.rates[reaction] - current.residual[metabolite]
    target = (rates @ unexplained.T / rates.shape[1]) * unit
    pull = (own.columns * target[own.consumption]).sum(1).clamp(min=0.0)
    gain = pull.square() / (own.columns * unit).square().sum(1)
    return torch.topk(gain.masked_fill(present, torch.inf), _SHORTLIST).indices


def _gains(
    problem: Problem, current: Fit, system: System, own: Candidates, reaction: int, rates: Tensor, listed: Tensor
) -> Tensor:
    """What each listed column explains of dc/dt, with all other rate constants refitted, shape (listed,)."""
    metabolite, columns = problem.graph.met_all[own.edges], own.columns[listed]
    ways, way = torch.unique(own.consumption[listed], return_inverse=True)
    rates, unit, frames = rates[ways], 1.0 / problem.scale[metabolite], rates.shape[1]
    others, inverse, constant = system.around(metabolite, torch.tensor([reaction], device=metabolite.device))
    across = system.columns[metabolite][:, others] * unit.unsqueeze(-1)
    across = across * (rates @ current.rates[others].T / frames).unsqueeze(1)
    target = (rates @ problem.dcdt[metabolite].T / frames) * unit - across @ constant
    metric = torch.diag(unit.square()) - across @ inverse @ across.mT
    pull = (columns * target[way]).sum(1).clamp(min=0.0)
    power = (torch.einsum("kd,kde->ke", columns, metric[way]) * columns).sum(1)
    return pull.square() / (power + FLOOR * (columns * unit).square().sum(1))

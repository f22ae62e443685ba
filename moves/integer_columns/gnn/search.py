"""Exhaustive search for the best integer column of each reaction, with all rate constants refitted."""

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
    """Proposed columns (E,), and the gain of each reaction by its new column (R,), 0 where the column stays."""

    columns: Tensor
    gain: Tensor

    def surest(self, problem: Problem, current: Fit, count: int) -> Tensor:
        """Return the present columns (E,) with those of the `count` reactions that gain most replaced."""
        chosen = highest(self.gain, count)
        return torch.where(chosen[problem.graph.rxn_all], self.columns, current.columns)


def highest(values: Tensor, count: int) -> Tensor:
    """Mark the `count` highest of the values (R,), the first among equals; shape (R,)."""
    chosen = torch.zeros_like(values, dtype=torch.bool)
    chosen[values.argsort(descending=True, stable=True)[:count]] = True
    return chosen


def search(problem: Problem, current: Fit, candidates: Sequence[Candidates], thrift: float = 0.0) -> Changes:
    """Find the best column of every reaction while the columns of the others stay.

    A gain is weighted by (mean magnitude of the column) ** -thrift, which prefers small coefficients.
    """
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
    """Return the mean magnitude of the non-zero coefficients of each column, shape (K,) of (K, D)."""
    return columns.abs().sum(1) / (columns != 0).sum(1)


def _shortlist(
    problem: Problem, current: Fit, own: Candidates, reaction: int, rates: Tensor, present: Tensor
) -> Tensor:
    """Return indices of the columns that gain most with all other rate constants held, and of the present column."""
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
    """Return the part of dc/dt that each listed column explains, other rate constants refitted, shape (listed,)."""
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

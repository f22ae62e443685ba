"""Matching pursuit from nothing: from functions drawn at random, the columns that explain most of dc/dt come first.

Each turn assigns the best integer column to a tenth of the reactions, those that gain most by it, and takes one
Gauss-Newton step of both functions towards all columns so far. More steps would fit the errors among the first columns.
Reactions with large rate constants come first and shape the functions; better functions then identify the other columns
and replace early errors. While the functions are unknown, a network of twos explains as much as a network of ones at
half the rate constants. The pursuit prefers ones, which are more common in chemistry. It is orthogonal matching pursuit
(Pati, Rezaiifar & Krishnaprasad, Asilomar 1993) with a dictionary that is learned on the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from gnn.clock import Clock
from gnn.columns import Candidates
from gnn.newton import refine
from gnn.projection import Fit, Functions, Problem, fit, with_columns
from gnn.search import search
from gnn.spline import Grid

_SIZES = (10, 12)  # splines of substrate_func and of the rate
_TURNS = 40
_SHARE = 0.1  # of the reactions that are given a column, a turn
_THRIFT = 0.1  # twice the coefficients need to explain 7 % more
_BUDGET = 0.75  # spent, from which no other start is tried


def pursue(
    problem: Problem,
    candidates: Sequence[Candidates],
    starts: int,
    explained: float,
    generator: Generator,
    clock: Clock,
) -> Fit:
    """Return the best of at most `starts` pursuits; the first that explains the share `explained` ends them."""
    best, no_columns = None, problem.dcdt.new_zeros(len(problem.graph.met_all))
    for _ in range(starts):
        nothing = fit(problem, random_functions(problem, generator), no_columns)
        found = grown(problem, nothing, candidates, clock)
        if best is None or found.mse < best.mse:
            best = found
        if best.mse < 1 - explained or clock.spent > _BUDGET:
            break
    assert best is not None
    return best


def random_functions(problem: Problem, generator: Generator) -> Functions:
    """Draw a random walk over concentration, the same for all magnitudes, and a rate that rises with the drive."""
    low, high = float(problem.concentration.min()), float(problem.concentration.max())
    grid, rate_grid = Grid(low, high, _SIZES[0]), Grid(-3.0, 3.0, _SIZES[1])

    def draw(sampler: Callable[..., Tensor], size: int) -> Tensor:
        return sampler(size, generator=generator, dtype=torch.float64).to(problem.dcdt.device)

    walk = draw(torch.randn, grid.size).cumsum(0)
    walk = walk - walk.mean()
    walk = walk / (2.0 * grid.value(walk, problem.concentration).std())
    rising = torch.linspace(-1.0, 1.0, rate_grid.size, dtype=torch.float64, device=problem.dcdt.device)
    log_rate = rising + 0.3 * draw(torch.rand, rate_grid.size)
    return Functions(walk.expand(len(problem.constraints.alphabet), -1), grid, log_rate, rate_grid)


def grown(problem: Problem, start: Fit, candidates: Sequence[Candidates], clock: Clock) -> Fit:
    """Assign columns to reactions that have none, and better ones to the others, until every reaction has a column."""
    count, current = math.ceil(_SHARE * problem.graph.n_reactions), start
    for _ in range(_TURNS):
        found = search(problem, current, candidates, _THRIFT)
        current = with_columns(problem, current, found.surest(problem, current, count))
        current = refine(problem, current, 1, clock)
        if bool((current.design != 0).any(0).all()) or not bool((found.gain > 0).any()):
            break
    return current

"""Gauss-Newton with Levenberg-Marquardt damping on the spline coefficients of both functions.

The Jacobian is that of the projected residual in Kaufman's approximation (BIT 1975): derivatives of the rates, minus
their projection onto the span of the rates.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from gnn.clock import Clock
from gnn.projection import Fit, Functions, Problem, fit, regrid

_CHUNK = 480  # frames in memory at a time
_SMOOTH = 1e-5  # weight of roughness against the mean squared residual: determines the splines where no frame lies
_DAMPING = 1e-3
_TRIES = 8
_WORTHWHILE = 1e-4  # relative gain of a step below which the next one is not made


def refine(problem: Problem, start: Fit, steps: int, clock: Clock) -> Fit:
    """Take at most `steps` damped Gauss-Newton steps from `start`.

    Each step lowers the penalised error. The rate moves to a new grid where the drives have left the old one, which may
    raise the error by 2 %.
    """
    current = fit(problem, _in_natural_units(start), start.columns)
    form = _penalty_form(current)
    damping = _DAMPING
    for _ in islice(clock, steps):
        matrix, gradient = _normal_equations(problem, current)
        position = _position(current)
        matrix, gradient = matrix + form, gradient + form @ position
        before = current.mse + float(position @ form @ position)
        for _ in range(_TRIES):
            damped = matrix + torch.diag(damping * (matrix.diagonal() + 1e-10))
            trial = _stepped(problem, current, torch.linalg.solve(damped, gradient))
            there = _position(trial)
            after = trial.mse + float(there @ form @ there)
            if after < before:
                break
            damping *= 4.0
        else:
            break
        current, damping = _within_grid(problem, trial), max(damping / 5.0, 1e-9)
        clock.note(current.mse)
        if before - after < _WORTHWHILE * before:
            break
    return current


def _in_natural_units(current: Fit) -> Functions:
    """Return the same functions with drives of unit spread and rates of unit mean: both scales are free."""
    functions, grid = current.functions, current.functions.rate_grid
    spread = float(current.drive.std().clamp(min=1e-12))
    mean = (current.rates * current.norm.unsqueeze(-1)).mean()
    return replace(
        functions,
        substrate=functions.substrate / spread,
        log_rate=functions.log_rate - mean.log(),
        rate_grid=replace(grid, low=grid.low / spread, high=grid.high / spread),
    )


def _position(current: Fit) -> Tensor:
    return torch.cat([current.functions.substrate.flatten(), current.functions.log_rate])


def _penalty_form(current: Fit) -> Tensor:
    """Return the quadratic form of the penalty: roughness of both functions, and curvature across magnitudes."""
    functions = current.functions
    magnitudes, size = functions.substrate.shape
    rough = functions.substrate_grid.roughness(functions.substrate)
    across = torch.diff(torch.eye(magnitudes, dtype=rough.dtype, device=rough.device), n=2, dim=0)
    each, every = (torch.eye(count, dtype=rough.dtype, device=rough.device) for count in (magnitudes, size))
    substrate = torch.kron(each, rough) + torch.kron(across.T @ across, every)
    form: Tensor = torch.block_diag(substrate, functions.rate_grid.roughness(rough))  # type: ignore[no-untyped-call]
    return _SMOOTH * current.mse * form


def _stepped(problem: Problem, current: Fit, step: Tensor) -> Fit:
    functions = current.functions
    count = functions.substrate.numel()
    stepped = replace(
        functions,
        substrate=functions.substrate - step[:count].view_as(functions.substrate),
        log_rate=functions.log_rate - step[count:],
    )
    return fit(problem, stepped, current.columns)


def _within_grid(problem: Problem, current: Fit) -> Fit:
    """Move the rate to a grid over the present drives if they left the old grid or cover less than 70 % of it."""
    grid = current.functions.rate_grid
    width = grid.high - grid.low
    low, high = float(current.drive.min()), float(current.drive.max())
    if low > grid.low - 0.02 * width and high < grid.high + 0.02 * width and high - low > 0.7 * width:
        return current
    moved = fit(problem, regrid(current, current.functions.substrate_grid.size, grid.size), current.columns)
    return moved if moved.mse < 1.02 * current.mse else current


def _normal_equations(problem: Problem, current: Fit) -> tuple[Tensor, Tensor]:
    """Return J'J / NT and J'r / NT over (substrate, log_rate), N metabolites and T frames."""
    metabolites, reactions = problem.graph.n_metabolites, problem.graph.n_reactions
    count = len(_position(current))
    strength = current.design * (current.constant / current.norm)
    new = problem.dcdt.new_zeros
    matrix, gradient, shadow = new(count, count), new(count), new(reactions, count)
    frames = torch.arange(problem.dcdt.shape[1], device=problem.dcdt.device)
    for chunk in torch.split(frames, _CHUNK):
        jacobian = strength @ _rate_derivatives(problem, current, chunk).flatten(1)
        flat = jacobian.view(metabolites * len(chunk), count)
        matrix += flat.T @ flat
        gradient += flat.T @ current.residual[:, chunk].flatten()
        by_reaction = (current.design.T @ jacobian).view(reactions, len(chunk), count)
        shadow += (current.rates[:, chunk].unsqueeze(1) @ by_reaction).squeeze(1)
    inner = torch.linalg.solve_triangular(current.factor, shadow, upper=False)
    matrix -= inner.T @ inner / len(frames)
    return matrix / problem.dcdt.numel(), gradient / problem.dcdt.numel()


def _rate_derivatives(problem: Problem, current: Fit, chunk: Tensor) -> Tensor:
    """Return the derivative of every rate by every spline coefficient, shape (R, chunk, n M + m)."""
    graph, functions = problem.graph, current.functions
    basis, drive = current.basis[:, chunk][graph.met_sub], current.drive[:, chunk]
    parts = current.labels[:, None, :, None] * basis[:, :, None, :]
    features = parts.new_zeros(graph.n_reactions, *parts.shape[1:]).index_add(0, graph.rxn_sub, parts)
    slope = functions.rate_grid.slope(functions.log_rate, drive).unsqueeze(-1)
    by_log = torch.cat([slope * features.flatten(2), functions.rate_grid.design(drive)], 2)
    return by_log * functions.rate(drive).unsqueeze(-1)

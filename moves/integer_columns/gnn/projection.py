"""Variable projection (Golub & Pereyra, SIAM J. Numer. Anal. 1973): dc/dt is linear in the rate constants.

For given functions and integer columns, the best rate constants are the solution of a linear least-squares problem.
Reactions whose column is zero are left out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gnn.observations import Constraints, Graph, Observations
from gnn.spline import Grid

_RIDGE = 1e-8  # of the Gram matrix of unit-norm columns: rate constants stay finite where rates coincide
_STEEPEST = 20.0  # of log-rate either way: a rate stays finite in a bad step, which is then taken back


@dataclass(frozen=True)
class Functions:
    """Both shared functions as splines.

    Attributes:
        substrate: substrate_func(., |s|), a row of coefficients for each magnitude of the alphabet, shape (M, n),
            on `substrate_grid`.
        log_rate: logarithm of softplus(rate_func(.)), which makes rates positive for any coefficients,
            shape (m,), on `rate_grid`.
    """

    substrate: Tensor
    substrate_grid: Grid
    log_rate: Tensor
    rate_grid: Grid

    def rate(self, drive: Tensor) -> Tensor:
        """Return softplus(rate_func(h)) at any drive h."""
        return self.rate_grid.value(self.log_rate, drive).clamp(-_STEEPEST, _STEEPEST).exp()


@dataclass(frozen=True)
class Problem:
    """The graph, its constraints and the frames to fit.

    Attributes:
        concentration: shape (N, T). dcdt: in units of each metabolite's root mean square `scale`, shape (N, T).
    """

    graph: Graph
    constraints: Constraints
    concentration: Tensor
    dcdt: Tensor
    scale: Tensor

    def matrix(self, values: Tensor) -> Tensor:
        """Return values of edges (E,) as a matrix (N, R)."""
        matrix = values.new_zeros(self.graph.n_metabolites, self.graph.n_reactions)
        matrix[self.graph.met_all, self.graph.rxn_all] = values
        return matrix


def problem_of(observations: Observations, frames: Tensor) -> Problem:
    """Return the problem of these frames, in double precision; the scale is that of all frames."""
    dcdt = observations.dcdt.double()
    scale = dcdt.square().mean(1).sqrt().clamp(min=1e-12)
    return Problem(
        observations.graph,
        observations.constraints,
        observations.concentration[:, frames].double(),
        dcdt[:, frames] / scale.unsqueeze(-1),
        scale,
    )


@dataclass(frozen=True)
class Fit:
    """Functions and integer columns, the rate constants that fit them best, and the residual.

    Attributes:
        columns: integer coefficients, shape (E,).
        labels: 1 where a substrate edge has this magnitude, shape (E_sub, M); zero where it consumes nothing.
        basis: the substrate spline basis at all concentrations, shape (N, T, n).
        drive: h, shape (R, T). norm: root mean square of each rate, shape (R,). rates: in that unit, shape (R, T).
        length: norm of each scaled column, shape (R,). design: columns of unit norm, shape (N, R); with the rates they
            make up the linear problem.
        constant: least-squares factor of each column of the design, shape (R,).
        factor: Cholesky factor of the Gram matrix of the linear problem, shape (R, R).
        residual: shape (N, T). mse: its mean square, the share of dc/dt left unexplained.
    """

    functions: Functions
    columns: Tensor
    labels: Tensor
    basis: Tensor
    drive: Tensor
    norm: Tensor
    rates: Tensor
    length: Tensor
    design: Tensor
    constant: Tensor
    factor: Tensor
    residual: Tensor
    mse: float

    def messages(self) -> Tensor:
        """Return substrate_func of each metabolite and magnitude over the frames, shape (N, T, M)."""
        return self.basis @ self.functions.substrate.T


def fit(problem: Problem, functions: Functions, columns: Tensor) -> Fit:
    """Solve for the rate constants."""
    graph = problem.graph
    alphabet = torch.tensor(problem.constraints.alphabet, dtype=columns.dtype, device=columns.device)
    labels = ((-columns[graph.sub_to_all]).unsqueeze(-1) == alphabet).to(columns.dtype)
    basis = functions.substrate_grid.design(problem.concentration)
    messages = (basis @ functions.substrate.T)[graph.met_sub]
    drive = messages.new_zeros(graph.n_reactions, messages.shape[1])
    drive = drive.index_add(0, graph.rxn_sub, (messages * labels.unsqueeze(1)).sum(-1))
    rates = functions.rate(drive)
    norm = rates.square().mean(1).sqrt()
    rates = rates / norm.unsqueeze(-1)

    design = problem.matrix(columns / problem.scale[graph.met_all])
    length = design.square().sum(0).sqrt().clamp(min=1e-12)
    design = design / length
    frames = rates.shape[1]
    gram = (design.T @ design) * (rates @ rates.T) / frames
    gram.diagonal().add_(_RIDGE)
    factor = torch.linalg.cholesky(gram)
    target = ((design.T @ problem.dcdt) * rates).sum(1, keepdim=True) / frames
    constant = torch.cholesky_solve(target, factor).squeeze(-1)
    residual = (design * constant) @ rates - problem.dcdt
    mse = float(residual.square().mean())
    return Fit(functions, columns, labels, basis, drive, norm, rates, length, design, constant, factor, residual, mse)


def with_columns(problem: Problem, current: Fit, columns: Tensor) -> Fit:
    """Return the fit of the same functions with these columns."""
    return current if torch.equal(columns, current.columns) else fit(problem, current.functions, columns)


def regrid(current: Fit, size: int, rate_size: int) -> Functions:
    """Return the same functions on grids of these sizes; that of the rate spans the drives that occur."""
    old = current.functions
    grid = replace(old.substrate_grid, size=size)
    rows = [grid.fitted(_reader(old.substrate_grid, row), row) for row in old.substrate]
    low, high = float(current.drive.min()), float(current.drive.max())
    margin = 0.02 * (high - low) + 1e-9
    rate_grid = Grid(low - margin, high + margin, rate_size)
    log_rate = rate_grid.fitted(_reader(old.rate_grid, old.log_rate), old.log_rate)
    return Functions(torch.stack(rows), grid, log_rate, rate_grid)


def _reader(grid: Grid, coefficients: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: grid.value(coefficients, x)

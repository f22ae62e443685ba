"""Small problems with a known answer: a network, both functions and rate constants, and the exact dc/dt of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO

import torch
from torch import Tensor

from gnn.clock import Clock
from gnn.columns import Candidates, candidates_of
from gnn.observations import Constraints, Graph, Observations, RateStructure
from gnn.projection import Fit, Functions, Problem, fit, problem_of
from gnn.spline import Grid

# Six metabolites, six reactions, every column sums to zero:
# A -> B, B + C -> 2 D, 2 D -> E + F, E -> A, 2 F -> C + A, C + E -> B + F
CHAIN = (
    (-1, 0, 0, 1, 1, 0),
    (1, -1, 0, 0, 0, 1),
    (0, -1, 0, 0, 1, -1),
    (0, 2, -2, 0, 0, 0),
    (0, 0, 1, -1, 0, -1),
    (0, 0, 1, 0, -2, 1),
)


@dataclass(frozen=True)
class Planted:
    """A problem and its answer: columns (E,), rate constants (R,) and functions."""

    observations: Observations
    problem: Problem
    functions: Functions
    columns: Tensor
    k: Tensor

    def fit(self, columns: Tensor | None = None) -> Fit:
        """The true functions with these columns, or with the true ones."""
        return fit(self.problem, self.functions, self.columns if columns is None else columns)

    def candidates(self) -> list[Candidates]:
        """Every column that is allowed, of each reaction."""
        constraints = self.problem.constraints
        return candidates_of(self.problem.graph, constraints, len(constraints.alphabet))

    def edges_of(self, reaction: int) -> Tensor:
        """The edges of a reaction, in the order of the metabolites."""
        return torch.nonzero(self.problem.graph.rxn_all == reaction)[:, 0]

    def without(self, *reactions: int) -> Tensor:
        """The true columns, with zeros for these reactions."""
        forgotten = torch.isin(self.problem.graph.rxn_all, torch.tensor(reactions))
        return self.columns.masked_fill(forgotten, 0.0)


def functions_on(low: float, high: float, magnitudes: int) -> Functions:
    """Splines of known courses: sin(1.1 m c) / m for magnitude m, and a logarithm of the rate that rises with h."""
    grid, rate_grid, like = Grid(low, high, 9), Grid(-3.0, 3.0, 10), torch.zeros(1, dtype=torch.float64)

    def row(magnitude: int) -> Tensor:
        return grid.fitted(lambda c: torch.sin(1.1 * magnitude * c) / magnitude, like)

    log_rate = rate_grid.fitted(lambda h: h + 0.3 * torch.sin(2.0 * h), like)
    return Functions(torch.stack([row(m) for m in range(1, magnitudes + 1)]), grid, log_rate, rate_grid)


def plant(
    matrix: Sequence[Sequence[int]] = CHAIN,
    *,
    alphabet: tuple[int, ...] = (1, 2),
    balanced: bool = True,
    roles_told: bool = True,
    absent: Sequence[tuple[int, int]] = (),
    alike: bool = False,
    noise: float = 0.0,
    frames: int = 90,
    seed: int = 0,
) -> Planted:
    """Plant a stoichiometric matrix (N, R).

    `absent` lists edges (metabolite, reaction) that are shown, as products, and whose coefficient is zero. With
    `alike`, substrate_func is the same for all magnitudes. `noise` is a share of the root mean square of dc/dt.
    """
    generator = torch.Generator().manual_seed(seed)
    s = torch.tensor(matrix, dtype=torch.float64)
    shown = s != 0
    for metabolite, reaction in absent:
        shown[metabolite, reaction] = True
    rxn_all, met_all = torch.nonzero(shown.T, as_tuple=True)
    columns = s[met_all, rxn_all]
    role = torch.where(columns < 0, -1, 1) if roles_told else torch.zeros(len(columns), dtype=torch.long)
    sub_to_all = torch.nonzero(role <= 0)[:, 0]
    graph = Graph(s.shape[0], s.shape[1], met_all[sub_to_all], rxn_all[sub_to_all], met_all, rxn_all, sub_to_all, role)
    constraints = Constraints(alphabet, balanced, 2, 2, may_be_absent=bool(absent) or not roles_told)

    c = 0.1 + 1.9 * torch.rand(len(s), frames, generator=generator, dtype=torch.float64)
    functions = functions_on(float(c.min()), float(c.max()), len(alphabet))
    if alike:
        functions = replace(functions, substrate=functions.substrate[[0] * len(alphabet)])
    k = 10.0 ** -(1.0 + torch.rand(s.shape[1], generator=generator, dtype=torch.float64))
    dcdt = s @ (k.unsqueeze(-1) * rates_of(s, c, functions, alphabet))
    size = dcdt.square().mean(1, keepdim=True).sqrt()
    dcdt = dcdt + noise * size * torch.randn(dcdt.shape, generator=generator, dtype=torch.float64)
    time, structure = torch.arange(float(frames)).unsqueeze(0), RateStructure.read({}, graph, frames)
    observations = Observations(graph, constraints, time, c, dcdt, structure)
    return Planted(observations, problem_of(observations, torch.arange(frames)), functions, columns, k)


def rates_of(s: Tensor, c: Tensor, functions: Functions, alphabet: tuple[int, ...]) -> Tensor:
    """exp(log_rate(sum of substrate_func(c, |s|))) of each reaction by its definition, edge by edge, shape (R, T)."""
    drives = []
    for column in s.T:
        consumed = torch.nonzero(column < 0)[:, 0].tolist()
        rows = [functions.substrate[alphabet.index(int(-column[metabolite]))] for metabolite in consumed]
        heard = [functions.substrate_grid.value(row, c[i]) for row, i in zip(rows, consumed, strict=True)]
        drives.append(torch.stack(heard).sum(0))
    return functions.rate_grid.value(functions.log_rate, torch.stack(drives)).exp()


def clock(steps: int = 1000) -> Clock:
    """A budget of steps, and a curve that nobody reads."""
    return Clock(steps, StringIO())

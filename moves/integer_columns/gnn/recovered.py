"""The recovered network in the units of the data, as a trial returns it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gnn.projection import Fit, Functions, Problem

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Recovered:
    """Coefficients, rate constants and both functions.

    Attributes:
        sto_all: shape (E,). log_k: shape (R,). functions: as splines. low, high: range of drives in the frames fitted.
    """

    sto_all: Tensor
    log_k: Tensor
    functions: Functions
    low: float
    high: float

    def substrate_func(self, concentration: Tensor, magnitude: Tensor, alphabet: tuple[int, ...]) -> Tensor:
        """Return substrate_func (C, M) at concentrations (C,) and magnitudes (M,), linear in between."""
        functions = self.functions
        rows = [functions.substrate_grid.value(row, concentration) for row in functions.substrate]
        table = torch.stack(rows, 1)
        known = torch.tensor(alphabet, dtype=table.dtype, device=table.device)
        if len(known) == 1:
            return table.expand(-1, len(magnitude))
        cell = torch.bucketize(magnitude, known[1:-1])
        share = (magnitude - known[cell]) / (known[cell + 1] - known[cell])
        return table[:, cell] * (1 - share) + table[:, cell + 1] * share

    def rate_func(self, drive: Tensor) -> Tensor:
        """Return rate_func(h), the inverse softplus of the rate, at drives of any shape."""
        rate = self.functions.rate(drive)
        return rate + torch.log(-torch.expm1(-rate))


def recovered(problem: Problem, found: Fit) -> Recovered:
    """Return the network of a fit, with rate constants in the units of the data."""
    constant = (found.constant / (found.norm * found.length)).clamp(min=_SMALLEST)
    low, high = float(found.drive.min()), float(found.drive.max())
    return Recovered(found.columns, constant.log10(), found.functions, low, high)

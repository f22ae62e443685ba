"""Cubic B-splines on equal cells (de Boor, A Practical Guide to Splines, 1978), continued as straight lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """The basis of `size` cubic B-splines on [low, high]."""

    low: float
    high: float
    size: int

    def design(self, x: Tensor) -> Tensor:
        """Return every basis function at x, shape (*x.shape, size); beyond [low, high] the value at the end."""
        places, weights = self._weights(x)
        return x.new_zeros(*x.shape, self.size).scatter_(-1, places, weights)

    def value(self, coefficients: Tensor, x: Tensor) -> Tensor:
        """Return the function with these coefficients, shape (size,), at x; beyond [low, high] a straight line."""
        places, weights = self._weights(x)
        first, last = self.slope(coefficients, x.new_tensor([self.low, self.high])).unbind()
        below, above = (x - self.low).clamp(max=0.0), (x - self.high).clamp(min=0.0)
        return (coefficients[places] * weights).sum(-1) + below * first + above * last

    def slope(self, coefficients: Tensor, x: Tensor) -> Tensor:
        """Return the derivative of the function with these coefficients, shape (size,), at x."""
        first, t = self._locate(x)
        weights = torch.stack([-((1 - t) ** 2), 3 * t**2 - 4 * t, -3 * t**2 + 2 * t + 1, t**2], -1) / 2
        cells = (self.size - 3) / (self.high - self.low)
        slope: Tensor = (coefficients[_four(first)] * weights).sum(-1) * cells
        return slope

    def fitted(self, function: Callable[[Tensor], Tensor], like: Tensor) -> Tensor:
        """Return the coefficients, shape (size,), of the least-squares spline of a function on [low, high]."""
        x = torch.linspace(self.low, self.high, 12 * self.size, dtype=like.dtype, device=like.device)
        design = self.design(x)
        ridge = 1e-9 * torch.eye(self.size, dtype=like.dtype, device=like.device)
        solution: Tensor = torch.linalg.solve(design.T @ design + ridge, design.T @ function(x))
        return solution

    def roughness(self, like: Tensor) -> Tensor:
        """Return the quadratic form (size, size) of the P-spline penalty (Eilers & Marx, Statistical Science 1996).

        It approximates the integral of the squared second derivative, in units of the interval [low, high].
        """
        second = torch.diff(torch.eye(self.size, dtype=like.dtype, device=like.device), n=2, dim=0)
        return (second.T @ second) * (self.size - 3) ** 3

    def _weights(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the indices of the four basis functions that are not zero at each point, and their values."""
        first, t = self._locate(x)
        weights = torch.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (t + t**2 - t**3) + 1, t**3], -1) / 6
        return _four(first), weights

    def _locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the index of the first of the four at each point, and the position within its cell, 0 to 1."""
        cells = self.size - 3
        position = ((x - self.low) / (self.high - self.low) * cells).clamp(0.0, cells - 1e-9)
        first = position.floor().long()
        return first, position - first


def _four(first: Tensor) -> Tensor:
    return first.unsqueeze(-1) + torch.arange(4, device=first.device)

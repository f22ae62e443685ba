"""Interpolation of smooth functions of one or two scalars from a small grid to many points.

The perceptrons of the model are evaluated at a few thousand nodes, on a new grid in every step, and interpolated at the
many points of a mini-batch:

- along concentrations and h, by the cubic through the four nearest of evenly spaced nodes; at a spacing of d its
  error is at most 3/128 d^4 max|f''''|, and 1/24 in the outermost intervals (Abramowitz and Stegun 1964, 25.2.13);
- along magnitudes, one value per edge, by the polynomial through a few Chebyshev nodes; its error falls
  geometrically with their number (Trefethen 2013, Approximation Theory and Approximation Practice, chapter 8).

Gradients are those of the interpolant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_EVEN = 129  # nodes along concentrations and h
_CHEBYSHEV = 33  # nodes along magnitudes: one more than a power of two
_LEAST = 1.0  # smallest upper end of the range of magnitudes

Function = Callable[..., Tensor]


class _Nodes(NamedTuple):
    """Evenly spaced nodes between two scalars."""

    low: Tensor
    high: Tensor

    def all(self) -> Tensor:
        return self.low + (self.high - self.low) * torch.linspace(0.0, 1.0, _EVEN, device=self.low.device)


def interpolated(function: Function, values: Tensor) -> Tensor:
    """Return function(values), for values of any shape."""
    nodes = _around(values)
    return _read(function(nodes.all()).unsqueeze(0), nodes, values.reshape(1, -1)).view(values.shape)


def interpolated_by_rows(function: Function, values: Tensor, magnitudes: Tensor) -> Tensor:
    """Return function(values, magnitudes), for values of shape (E, B) and one magnitude >= 0 per row, shape (E,)."""
    nodes, top = _around(values), magnitudes.detach().amax().clamp(min=_LEAST)
    angles = (torch.arange(_CHEBYSHEV, device=values.device) + 0.5) * (math.pi / _CHEBYSHEV)
    along = (0.5 * top * (1.0 + angles.cos())).unsqueeze(-1).expand(-1, _EVEN)
    # The discrete cosine transform of the values at the nodes gives the Chebyshev coefficients.
    orders = torch.arange(_CHEBYSHEV, device=values.device).unsqueeze(-1)
    cosines = (orders * angles).cos() * (2.0 / _CHEBYSHEV)
    cosines = torch.where(orders == 0, 0.5 * cosines, cosines)
    rows = _chebyshev_polynomials(2.0 * magnitudes / top - 1.0) @ (
        cosines @ function(nodes.all().expand_as(along), along)
    )
    return _read(rows, nodes, values)


def _around(values: Tensor) -> _Nodes:
    low, high = values.detach().amin(), values.detach().amax()
    return _Nodes(low, torch.maximum(high, low + 1e-6 * (1.0 + low.abs())))


def _chebyshev_polynomials(x: Tensor) -> Tensor:
    """Return T_0 to T_(K-1) at x of shape (E,), shape (E, K), doubling by T_(n+m) = 2 T_n T_m - T_(n-m)."""
    known = torch.stack([torch.ones_like(x), x], dim=-1)
    while known.shape[-1] < _CHEBYSHEV:
        beyond = 2.0 * known[:, -1:] * known[:, 1:] - known[:, :-1].flip(-1)
        known = torch.cat([known, beyond], dim=-1)
    return known


def _read(rows: Tensor, nodes: _Nodes, values: Tensor) -> Tensor:
    """Interpolate `rows`, function values at the nodes, shape (E, G), at `values`, shape (E, B)."""
    at = (values - nodes.low) * ((_EVEN - 1) / (nodes.high - nodes.low))
    first = (at.detach().long() - 1).clamp(0, _EVEN - 4)  # of the four nearest
    x = at - first
    a, b, c = x - 1.0, x - 2.0, x - 3.0
    weights = (a * b * c / -6.0, x * b * c / 2.0, x * a * c / -2.0, x * a * b / 6.0)
    index = (first + _EVEN * torch.arange(len(rows), device=rows.device).unsqueeze(-1)).view(-1)
    taps = [rows.view(-1).index_select(0, index + tap).view(values.shape) * w for tap, w in enumerate(weights)]
    return taps[0] + taps[1] + taps[2] + taps[3]

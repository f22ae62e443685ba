"""Interpolation of smooth functions of one or two scalars from a small grid to many points.

The perceptrons of the model are evaluated at some hundred nodes, on a new grid in every step, and interpolated at the
many points of a mini-batch:

- a function of h, by the cubic through the four nearest of evenly spaced nodes; at a spacing of d its error is at most
  3/128 d^4 max|f''''|, and 1/24 in the outermost intervals (Abramowitz and Stegun 1964, 25.2.13);
- a function of a concentration and a magnitude, by the product of Chebyshev series in both; its error falls
  geometrically with the number of nodes (Trefethen 2013, Approximation Theory and Approximation Practice, chapter 8).
  All magnitudes of a metabolite share the polynomials in its concentration, so values are matrix products.

Gradients are those of the interpolant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

_EVEN = 129  # nodes along h
_CHEBYSHEV = 33  # nodes along concentrations, and along magnitudes: one more than a power of two
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
    at = (values - nodes.low) * ((_EVEN - 1) / (nodes.high - nodes.low))
    read: Tensor = _Cubics.apply(function(nodes.all()), at.reshape(-1))  # type: ignore[no-untyped-call]  # torch's
    return read.view(values.shape)


def interpolated_by_rows(function: Function, values: Tensor, magnitudes: Tensor) -> Tensor:
    """Return function(values, magnitudes), shape (G, P, B), for values (G, B) and P magnitudes >= 0 of each row."""
    nodes, top = _around(values), magnitudes.detach().amax().clamp(min=_LEAST)
    angles = (torch.arange(_CHEBYSHEV, device=values.device) + 0.5) * (math.pi / _CHEBYSHEV)
    places = 0.5 * (1.0 + angles.cos())
    shape = _CHEBYSHEV, _CHEBYSHEV
    along = (nodes.low + (nodes.high - nodes.low) * places).expand(shape)
    # The discrete cosine transform of the values at the nodes gives the Chebyshev coefficients.
    orders = torch.arange(_CHEBYSHEV, device=values.device).unsqueeze(-1)
    cosines = (orders * angles).cos() * (2.0 / _CHEBYSHEV)
    cosines = torch.where(orders == 0, 0.5 * cosines, cosines)
    series = cosines @ function(along, (top * places).unsqueeze(-1).expand(shape)) @ cosines.T
    by_magnitude = series.T @ _chebyshev_polynomials((2.0 * magnitudes / top - 1.0).view(1, -1)).squeeze(0)
    along_values = _chebyshev_polynomials(2.0 * (values - nodes.low) / (nodes.high - nodes.low) - 1.0)
    return by_magnitude.view(_CHEBYSHEV, *magnitudes.shape).permute(1, 2, 0) @ along_values


def _around(values: Tensor) -> _Nodes:
    low, high = values.detach().amin(), values.detach().amax()
    return _Nodes(low, torch.maximum(high, low + 1e-6 * (1.0 + low.abs())))


def _chebyshev_polynomials(x: Tensor) -> Tensor:
    """Return T_0 to T_(K-1) at x of shape (G, B), shape (G, K, B), doubling by T_(n+m) = 2 T_n T_m - T_(n-m)."""
    known = torch.stack([torch.ones_like(x), x], dim=1)
    while known.shape[1] < _CHEBYSHEV:
        beyond = 2.0 * known[:, -1:] * known[:, 1:] - known[:, :-1].flip(1)
        known = torch.cat([known, beyond], dim=1)
    return known


class _Cubics(torch.autograd.Function):
    """The cubics through four neighbours of a row, shape (K,), at places in it, shape (P,).

    Autograd would go back over each product. The slope of a cubic is a sum of the same four values.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(row: Tensor, at: Tensor) -> Tensor:
        first = _first(at)
        values, weights = _taps(row, first), _weights(at - first)
        return values[0] * weights[0] + values[1] * weights[1] + values[2] * weights[2] + values[3] * weights[3]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        row, at = ctx.saved_tensors
        first = _first(at)
        x = at - first
        p, q, r, s = _taps(row, first)
        # The derivative of Newton's form p + x (d1 + (x - 1) / 2 (d2 + (x - 2) / 3 d3)) with forward differences.
        second, third = r - 2.0 * q + p, s - 3.0 * (r - q) - p
        slope = q - p + (x - 0.5) * second + (0.5 * x * x - x + 1.0 / 3.0) * third
        to_row = torch.zeros_like(row)
        for tap, weight in enumerate(_weights(x)):
            to_row = to_row.index_add(0, first + tap, gradient * weight)
        return to_row, gradient * slope


def _first(at: Tensor) -> Tensor:
    """Return the first of the four nodes that are nearest to each place."""
    return (at.long() - 1).clamp(0, _EVEN - 4)


def _taps(row: Tensor, first: Tensor) -> list[Tensor]:
    return [row.index_select(0, first + tap) for tap in range(4)]


def _weights(x: Tensor) -> tuple[Tensor, ...]:
    """Return Lagrange's weights of the nodes 0, 1, 2, 3 at x."""
    a, b, c = x - 1.0, x - 2.0, x - 3.0
    ab, xc = a * b, x * c
    return ab * c / -6.0, xc * b / 2.0, xc * a / -2.0, ab * x / 6.0

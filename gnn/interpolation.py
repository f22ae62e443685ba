"""Interpolation of smooth functions of one or two scalars from a small grid to many points.

The perceptrons of the model are evaluated at some hundred nodes, on a new grid in every step, and interpolated at the
many points of a mini-batch:

- a function of h, by the cubic through the four nearest of evenly spaced nodes; at a spacing of d its error is at most
  3/128 d^4 max|f''''|, and 1/24 in the outermost intervals (Abramowitz and Stegun 1964, 25.2.13);
- a function of a concentration and a magnitude, by the product of Chebyshev series in both; its error falls
  geometrically with the number of nodes (Trefethen 2013, Approximation Theory and Approximation Practice, chapter 8).
  All magnitudes of a metabolite share the polynomials in its concentration, so values are matrix products;
- a function of its own in each row, by a Chebyshev series in the range of the row.

Gradients are those of the interpolant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from gnn.sums import binned

_EVEN = 129  # nodes along h
_CHEBYSHEV = 33  # nodes along concentrations, and along magnitudes: one more than a power of two
_LEAST = 1.0  # smallest upper end of the range of magnitudes
_NARROWEST = 1e-6  # range of a row

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
    cells = _cubics_through(function(nodes.all()))
    read: Tensor = _Cubics.apply(cells, at.reshape(-1))  # type: ignore[no-untyped-call]  # torch's
    return read.view(values.shape)


def interpolated_by_rows(function: Function, values: Tensor, magnitudes: Tensor) -> Tensor:
    """Return function(values, magnitudes), shape (G, P, B), for values (G, B) and P magnitudes >= 0 of each row."""
    nodes, top = _around(values), magnitudes.detach().amax().clamp(min=_LEAST)
    places, cosines = _chebyshev_nodes(values.device, values.dtype)
    shape = _CHEBYSHEV, _CHEBYSHEV
    along = (nodes.low + (nodes.high - nodes.low) * places).expand(shape)
    series = cosines @ function(along, (top * places).unsqueeze(-1).expand(shape)) @ cosines.T
    polynomials = _chebyshev_polynomials((2.0 * magnitudes / top - 1.0).view(1, -1), _CHEBYSHEV).squeeze(0)
    by_magnitude = (series.T @ polynomials).view(_CHEBYSHEV, *magnitudes.shape).permute(1, 2, 0)
    return _chebyshev_sums(by_magnitude, 2.0 * (values - nodes.low) / (nodes.high - nodes.low) - 1.0)


def interpolated_along(function: Function, values: Tensor) -> Tensor:
    """Return function(values), shape (G, B), where `function` is another one in each row: of (G, K) it gives (G, K).

    Gradients reach what the function depends on, and not the values.
    """
    low, high = values.detach().amin(1, keepdim=True), values.detach().amax(1, keepdim=True)
    width = (high - low).clamp(min=_NARROWEST)
    places, cosines = _chebyshev_nodes(values.device, values.dtype)
    series = function(low + width * places) @ cosines.T
    return _chebyshev_sums(series.unsqueeze(1), 2.0 * (values.detach() - low) / width - 1.0).squeeze(1)


@cache
def _chebyshev_nodes(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the nodes in [0, 1], shape (K,), and the matrix from values there to Chebyshev coefficients, (K, K).

    The matrix is the discrete cosine transform.
    """
    angles = (torch.arange(_CHEBYSHEV, device=device, dtype=dtype) + 0.5) * (math.pi / _CHEBYSHEV)
    orders = torch.arange(_CHEBYSHEV, device=device).unsqueeze(-1)
    cosines = (orders * angles).cos() * (2.0 / _CHEBYSHEV)
    return 0.5 * (1.0 + angles.cos()), torch.where(orders == 0, 0.5 * cosines, cosines)


def _around(values: Tensor) -> _Nodes:
    low, high = values.detach().amin(), values.detach().amax()
    return _Nodes(low, torch.maximum(high, low + 1e-6 * (1.0 + low.abs())))


def _chebyshev_polynomials(x: Tensor, count: int) -> Tensor:
    """Return T_0 to T_(K-1) at x of shape (G, B), shape (G, K, B), doubling by T_(n+m) = 2 T_n T_m - T_(n-m)."""
    known = torch.stack([torch.ones_like(x), x], dim=1)
    while known.shape[1] < count:
        beyond = 2.0 * known[:, -1:] * known[:, 1:] - known[:, :-1].flip(1)
        known = torch.cat([known, beyond], dim=1)
    return known


def _chebyshev_sums(weights: Tensor, x: Tensor) -> Tensor:
    """Return the sums over k of weights (G, P, K) times T_k at x of shape (G, B), shape (G, P, B).

    The last doubling acts on the sums, which are fewer than the polynomials.
    """
    half = _CHEBYSHEV // 2
    known, first, last = _chebyshev_polynomials(x, half + 1), weights[..., : half + 1], weights[..., half + 1 :]
    folded = torch.cat([first - pad(last.flip(-1), (0, 1)), pad(last, (1, 0))], dim=1)
    low, high = (folded @ known).chunk(2, dim=1)
    return low + 2.0 * known[:, -1:] * high


def _cubics_through(row: Tensor) -> Tensor:
    """Return the cubics through each four neighbours of a row, by coefficients of powers of x = 0, 1, 2, 3 there."""
    p, q, r, s = row[:-3], row[1:-2], row[2:-1], row[3:]
    second, third = r - 2.0 * q + p, s - 3.0 * (r - q) - p
    return torch.stack([p, q - p - second / 2.0 + third / 3.0, (second - third) / 2.0, third / 6.0])


class _Cubics(torch.autograd.Function):
    """Cubics, of which each cell of a row has the coefficients, shape (4, K), at places in it, shape (P,).

    Autograd would go back over each product. The slope of a cubic is made of the same coefficients.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(cells: Tensor, at: Tensor) -> Tensor:
        cell = _cell(at)
        x, (a, b, c, d) = at - cell, cells.index_select(1, cell).unbind()
        return a + x * (b + x * (c + x * d))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        cells, at = ctx.saved_tensors
        cell = _cell(at)
        x, (b, c, d) = at - cell, cells[1:].index_select(1, cell).unbind()
        slope = b + x * (2.0 * c + 3.0 * x * d)
        shares = [gradient]
        for _ in range(3):
            shares.append(shares[-1] * x)
        return binned(shares, cell, cells.shape[1]), gradient * slope


def _cell(at: Tensor) -> Tensor:
    """Return the first of the four nodes that are nearest to each place."""
    return (at.long() - 1).clamp(0, _EVEN - 4)

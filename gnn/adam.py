"""Adam for members that are trained together, each with learning rates of its own.

Kingma and Ba (2015), arXiv:1412.6980, algorithm 1, with its usual constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Changes stacked parameters, shape (M, ...) each, in place.

    `rates` are the learning rates of the members for each parameter, shape (M,).
    """

    def __init__(self, parameters: Iterable[Tensor], rates: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        pairs = zip(rates, self._parameters, strict=True)
        self._rates = [rate.view(-1, *[1] * (parameter.dim() - 1)) for rate, parameter in pairs]
        self._mean = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._square = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...], factor: Tensor) -> None:
        """One step along gradients of shape (M, ...), at the share `factor` of each member's rates, shape (M,)."""
        self._steps += 1
        torch._foreach_lerp_(self._mean, gradients, 1.0 - _BETA_1)
        torch._foreach_mul_(self._square, _BETA_2)
        torch._foreach_addcmul_(self._square, gradients, gradients, 1.0 - _BETA_2)
        size = torch._foreach_sqrt(self._square)
        torch._foreach_div_(size, math.sqrt(1.0 - _BETA_2**self._steps))
        torch._foreach_add_(size, _EPSILON)
        change = torch._foreach_div(self._mean, size)
        share = factor / (1.0 - _BETA_1**self._steps)
        torch._foreach_mul_(change, [share.view(rate.shape) * rate for rate in self._rates])
        torch._foreach_sub_(self._parameters, change)

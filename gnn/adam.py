"""Adam for models that are trained together, each with its own learning rates.

Kingma and Ba (2015), arXiv:1412.6980, algorithm 1, with its usual constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """An optimiser that updates stacked parameters, shape (M, ...) each, in place.

    `rates` has the learning rates of the M members for each parameter, shape (M,).

    The private `torch._foreach_*` are those that `torch.optim.Adam` calls. A loop over public operations gives the
    same bits on a CPU, but on a GPU it launches a kernel for each parameter and operation, over a hundred a step.
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
        """Take one step along gradients of shape (M, ...), with rates multiplied by `factor`, shape (M,)."""
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

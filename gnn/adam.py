"""Adam for models that are trained together, each with its own learning rates.

Kingma and Ba (2015), arXiv:1412.6980, algorithm 1, with its usual constants.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """An optimiser that updates stacked parameters, shape (M, ...) each, in place.

    `rates` has the learning rates of the M members for each parameter, shape (M,).

    All parameters are updated as the columns of one tensor (M, P): an operation for each would cost more time to start
    than to compute, on a CPU and on a GPU.
    """

    def __init__(self, parameters: Iterable[Tensor], rates: Iterable[Tensor]) -> None:
        self._parameters = list(parameters)
        self._sizes = [parameter[0].numel() for parameter in self._parameters]
        pairs = zip(rates, self._sizes, strict=True)
        self._rates = torch.cat([rate.unsqueeze(1).expand(-1, size) for rate, size in pairs], dim=1)
        like = self._parameters[0].detach().new_zeros
        self._mean, self._square = like(self._rates.shape), like(self._rates.shape)
        # On the device, so that a recorded step counts too; in double precision, as the numbers that are near 1.
        self._steps = torch.zeros((), dtype=torch.float64, device=self._mean.device)

    @property
    def state(self) -> list[Tensor]:
        """Return the tensors that a step updates in place, but for the parameters."""
        return [self._mean, self._square, self._steps]

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...], factor: Tensor) -> None:
        """Take one step along gradients of shape (M, ...), with rates multiplied by `factor`, shape (M,)."""
        self._steps.add_(1.0)
        gradient = torch.cat([part.reshape(len(part), -1) for part in gradients], dim=1)
        self._mean.lerp_(gradient, 1.0 - _BETA_1)
        self._square.mul_(_BETA_2).addcmul_(gradient, gradient, value=1.0 - _BETA_2)
        size = self._square.sqrt().div_((1.0 - _BETA_2**self._steps).sqrt()).add_(_EPSILON)
        share = factor / (1.0 - _BETA_1**self._steps)
        change = (self._mean / size).mul_(share.unsqueeze(1) * self._rates)
        for parameter, part in zip(self._parameters, change.split_with_sizes(self._sizes, dim=1), strict=True):
            parameter.sub_(part.view(parameter.shape))

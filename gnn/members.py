"""Models of one shape that are trained together: their parameters are stacked, one member behind the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from gnn.config import Configuration
from gnn.model import MetabolismPropagation


class Members:
    """The members of one training.

    Attributes:
        models: each member as a model of its own, which shares memory with the stack.
        parameters: by name, stacked along a first axis, shape (M, ...): what an optimiser changes, in place.
    """

    def __init__(self, models: Sequence[MetabolismPropagation]) -> None:
        if any(_facts(model) != _facts(models[0]) for model in models):
            raise RuntimeError("what a model decides by, other than its parameters, differs between members")
        self.models = models
        self.parameters, self._buffers = stack_module_state(list(models))
        for index, model in enumerate(models):
            for name, parameter in model.named_parameters():
                parameter.data = self.parameters[name].data[index]
        self._caller = _Caller(deepcopy(models[0]))  # parameters are put into it, and taken out again

    def __len__(self) -> int:
        return len(self.models)

    def each(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What `function(model, ...)` gives for every member: tensors, or tuples of them, stacked along a first axis.

        `arguments` are stacked tensors, or containers of them, and each member gets its part. Gradients reach
        `parameters`. Raises `RuntimeError` if the function does what cannot be done for several members at once, such
        as a decision by a value; a single member may do anything.
        """

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *parts: Any) -> Any:
            state = {f"model.{name}": value for name, value in (parameters | buffers).items()}
            return functional_call(self._caller, state, (function, *parts))

        stacked = (self.parameters, self._buffers, *arguments)
        if len(self) > 1:
            return vmap(one)(*stacked)
        alone = one(*torch.utils._pytree.tree_map(lambda tensor: tensor[0], stacked))
        return torch.utils._pytree.tree_map(lambda tensor: tensor.unsqueeze(0), alone)


def _facts(model: nn.Module) -> dict[str, Any]:
    """The values that a model and its parts hold outside parameters and buffers: there is one of each, not a stack."""
    return {
        f"{name}.{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, (bool, int, float, str, tuple, Configuration))
    }


class _Caller(nn.Module):
    """Calls any function of a model as a module, which is what parameters can be put into."""

    def __init__(self, model: MetabolismPropagation) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.model, *arguments)

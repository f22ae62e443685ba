"""Models of one shape that are trained together, as members of one stack of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from gnn.config import Configuration
from gnn.model import MetabolismPropagation


class Members:
    """The members of one training.

    Attributes:
        models: each member as a separate model, which shares memory with the stack.
        parameters: by name, stacked along a first axis, shape (M, ...). An optimiser updates them in place.
    """

    def __init__(self, models: Sequence[MetabolismPropagation]) -> None:
        if any(_facts(model) != _facts(models[0]) for model in models):
            raise RuntimeError("a value other than a parameter or a buffer differs between members")
        self.models = models
        self.parameters, self._buffers = stack_module_state(list(models))
        for index, model in enumerate(models):
            for name, parameter in model.named_parameters():
                parameter.data = self.parameters[name].data[index]
        self._caller = _Caller(deepcopy(models[0]))  # functional_call swaps parameters in and out

    def __len__(self) -> int:
        return len(self.models)

    def each(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return `function(model, ...)` of every member: tensors, or tuples of them, stacked along a first axis.

        `arguments` are stacked tensors, or dictionaries of them; each member gets its part. Gradients reach
        `parameters`. Raises `RuntimeError` if there are several members and `vmap` cannot run the function, for
        example because it branches on a tensor's value. A single member runs without `vmap`.
        """

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], *parts: Any) -> Any:
            state = {f"model.{name}": value for name, value in (parameters | buffers).items()}
            return functional_call(self._caller, state, (function, *parts))

        stacked = (self.parameters, self._buffers, *arguments)
        if len(self) > 1:
            return vmap(one)(*stacked)
        alone = one(*each_tensor(lambda tensor: tensor.squeeze(0), stacked))
        return each_tensor(lambda tensor: tensor.unsqueeze(0), alone)


def each_tensor(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return `value`, a tensor or a nest of tuples and dictionaries of tensors, with `function` applied to each."""
    if isinstance(value, dict):
        return {name: each_tensor(function, part) for name, part in value.items()}
    return tuple(each_tensor(function, part) for part in value) if isinstance(value, tuple) else function(value)


def _facts(model: nn.Module) -> dict[str, Any]:
    """Return the plain values of a model and its modules, by name: members share them, so they must be equal."""
    return {
        f"{name}.{key}": value
        for name, module in model.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, (bool, int, float, str, tuple, Configuration))
    }


class _Caller(nn.Module):
    """A module that calls any function of the model, because `functional_call` needs a module."""

    def __init__(self, model: MetabolismPropagation) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return function(self.model, *arguments)

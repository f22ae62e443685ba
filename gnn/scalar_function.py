"""A multi-layer perceptron from a few scalars to one, fast at very many points.

The matrices are so small that a point costs less in arithmetic than in carrying its hidden values to memory and back.
So they are computed for a block of points that fits into the processor's cache, forgotten, and computed again for the
gradient: a third more arithmetic in half the time, and memory for inputs and results alone. A GPU takes all points
at once, and with them, under `torch.func.vmap`, all members of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

_BLOCK = 4096  # points: the hidden values of two layers of 32 and their gradients are 2 MiB, what a core's cache holds


class ScalarFunction(nn.Module):
    """A multi-layer perceptron from a few scalars to one scalar, applied to every entry of its inputs."""

    def __init__(self, inputs: int, width: int, depth: int, activation: str) -> None:
        super().__init__()
        self.activation = activation
        self.layers = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([inputs, *[width] * depth, 1]))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs of one shape; the result has that shape too. It can be differentiated once."""
        weights = [weight for layer in self.layers for weight in (layer.weight, layer.bias)]
        points = [values.reshape(-1) for values in inputs]
        result: Tensor = _Perceptron.apply(self.activation, len(points), *points, *weights)  # type: ignore[no-untyped-call]
        return result.view(inputs[0].shape)


class _Perceptron(torch.autograd.Function):
    """Inputs, each (..., P), with the matrix (..., O, I) and the bias (..., O) of every layer, to results (..., P)."""

    @staticmethod
    def forward(activation: str, inputs: int, *tensors: Tensor) -> Tensor:
        result = torch.empty_like(tensors[0], memory_format=torch.contiguous_format)
        for points, weights, into in _members(tensors[:inputs], tensors[inputs:], [result]):
            *below, last, bias = weights
            rooms = _rooms(points[0], below)
            for block in _blocks(points[0]):
                *_, (_, h) = _layers(activation, [values[block] for values in points], below, rooms)
                _add_product(bias.unsqueeze(-2), h, last.mT, into[0][block].unsqueeze(-1))
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.activation, ctx.inputs, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        wanted = [index for index in range(ctx.inputs) if ctx.needs_input_grad[2 + index]]
        by_weights = [torch.zeros_like(weight) for weight in tensors[ctx.inputs :]]
        by_points = [torch.empty_like(gradient) for _ in wanted]
        inputs = (*tensors[: ctx.inputs], gradient)
        for (*points, own), weights, into in _members(inputs, tensors[ctx.inputs :], [*by_weights, *by_points]):
            rooms, slopes = _rooms(own, weights[:-2]), _rooms(own, weights[:-2])
            for block in _blocks(own):
                layers = _layers(ctx.activation, [values[block] for values in points], weights[:-2], rooms)
                slope = own[block].unsqueeze(-1)
                for number in range(len(layers) - 1, -1, -1):
                    z, h = layers[number]
                    _add_product(into[2 * number], slope.mT, h, into[2 * number])
                    into[2 * number + 1] += slope.sum(-2)
                    if number > 0:
                        room = slopes[number - 1][..., : slope.shape[-2], :]
                        slope = torch.matmul(slope, weights[2 * number], out=room)
                        _slope_before(ctx.activation, slope, z, h)
                for index, by_values in zip(wanted, into[len(weights) :], strict=True):
                    by_values[block] = (slope @ weights[0][..., index, None]).squeeze(-1)
        by_input = dict(zip(wanted, by_points, strict=True))
        return None, None, *map(by_input.get, range(ctx.inputs)), *by_weights

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], activation: str, inputs: int, *tensors: Tensor) -> Any:
        members = [
            tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            for tensor, dim in zip(tensors, in_dims[2:], strict=True)
        ]
        return _Perceptron.apply(activation, inputs, *members), 0  # type: ignore[no-untyped-call]


def _members(
    points: Sequence[Tensor], weights: Sequence[Tensor], into: Sequence[Tensor]
) -> Iterator[tuple[Sequence[Tensor], ...]]:
    """The parts of tensors that are computed at once: a CPU takes the members in turn, a GPU together."""
    if points[0].device.type != "cpu":
        yield points, weights, into
        return
    for member in product(*map(range, points[0].shape[:-1])):
        yield tuple([tensor[member] for tensor in group] for group in (points, weights, into))


def _blocks(points: Tensor) -> Iterator[Any]:
    """Where in points of shape (..., P) those lie that are computed at once."""
    if points.device.type != "cpu":
        yield ...
    else:
        yield from (slice(first, first + _BLOCK) for first in range(0, len(points), _BLOCK))


def _rooms(points: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """Where the hidden values of a block are kept, layer by layer: asking for memory costs more than using it again."""
    shape = (min(_BLOCK, len(points)),) if points.device.type == "cpu" else points.shape
    return [points.new_empty(*shape, bias.shape[-1]) for bias in weights[1::2]]


def _layers(
    activation: str, points: Sequence[Tensor], weights: Sequence[Tensor], rooms: Sequence[Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """Each layer's sums z, (..., P, width), and its values h; the inputs are the first. tanh writes h in place of z."""
    h = torch.stack(list(points), dim=-1)
    layers = [(h, h)]
    for matrix, bias, room in zip(weights[::2], weights[1::2], rooms, strict=True):
        z = _add_product(bias.unsqueeze(-2), h, matrix.mT, room[..., : h.shape[-2], :])
        h = z.tanh_() if activation == "tanh" else silu(z)
        layers.append((z, h))
    return layers


def _slope_before(activation: str, slope: Tensor, z: Tensor, h: Tensor) -> None:
    """Turn the gradient by a layer's values into that by its sums, in place."""
    if activation == "tanh":
        torch.ops.aten.tanh_backward.grad_input(slope, h, grad_input=slope)
    else:
        torch.ops.aten.silu_backward.grad_input(slope, z, grad_input=slope)


def _add_product(first: Tensor, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """first + a @ b, into `out`, which may be `first`."""
    return torch.addmm(first, a, b, out=out) if out.dim() == 2 else torch.add(first, a @ b, out=out)

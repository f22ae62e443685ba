"""Values of edges gathered from nodes, and summed over them, with the same bits in every run.

A GPU adds in the order in which its threads arrive. Asked for the same bits every time, torch sorts the indices in
each step, which takes longer than all else. An index of edges never changes, though: on a GPU, a table of the values
that each target sums is made once, and each target then gathers its own. Targets with many values sum them in a tree,
so that the work is linear in the number of values, however unequally they are spread. An index that does change is
compared with all rows and columns of few targets, and the sums are a matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.weak import WeakTensorKeyDictionary

_WIDTH = 8  # values that are summed at once
_BLOCK = 128  # values in one matrix product
_SIDE = 8  # bins abreast: a place is a row and a column, which takes less memory than a bin

_trees = WeakTensorKeyDictionary()  # by index and number of targets


def gathered(values: Tensor, index: Tensor) -> Tensor:
    """Return values[index], shape (E, ...), for values of shape (N, ...) and an index that stays the same."""
    if _in_order(values):
        return values.index_select(0, index)
    picked: Tensor = _Gather.apply(values, index, *tree(index, len(values)))  # type: ignore[no-untyped-call]  # torch's
    return picked


def summed(values: Tensor, index: Tensor, targets: int) -> Tensor:
    """Return the sums of values that have the same target, shape (targets, ...), for values (E, ...), index (E,).

    The index has to stay the same, and is not to be changed in place.
    """
    if _in_order(values):
        return values.new_zeros(targets, *values.shape[1:]).index_add(0, index, values)
    sums: Tensor = _Sum.apply(values, index, *tree(index, targets))  # type: ignore[no-untyped-call]  # torch's
    return sums


def binned(values: Sequence[Tensor], place: Tensor, bins: int) -> Tensor:
    """Return the sums of each of the values, K times (P,), by bin, shape (K, bins), for places (P,) that may change."""
    if _in_order(values[0]):
        return torch.stack([row.new_zeros(bins).index_add(0, place, row) for row in values])
    short = -len(place) % _BLOCK
    blocks = pad(torch.stack(list(values), dim=1), (0, 0, 0, short)).view(-1, _BLOCK, 1, len(values))
    places, side = pad(place, (0, short)).view(-1, _BLOCK), torch.arange(_SIDE, device=place.device)
    height = torch.arange(-(-bins // _SIDE), device=place.device)
    in_row = ((places // _SIDE).unsqueeze(1) == height.unsqueeze(-1)).to(blocks.dtype)
    by_column = ((places % _SIDE).unsqueeze(-1) == side).unsqueeze(-1) * blocks
    return (in_row @ by_column.flatten(2)).sum(0).view(-1, len(values))[:bins].T


def _in_order(values: Tensor) -> bool:
    """Return whether the device adds in the order of an index."""
    return not values.is_cuda


def tree(index: Tensor, targets: int) -> tuple[Tensor, ...]:
    """Return the tables of the sums by target: each row has the values to be summed, padded by their number.

    The rows of a table are the values of the next; the rows of the last are the targets. It is made once for an index.
    """
    if index not in _trees:
        _trees[index] = {}
    known: dict[int, tuple[Tensor, ...]] = _trees[index]
    if targets not in known:
        parts: list[list[int]] = [[] for _ in range(targets)]
        for place, target in enumerate(index.tolist()):
            parts[target].append(place)
        tables, values, last = list[Tensor](), len(index), False
        while not last:
            width = max(1, min(_WIDTH, max(map(len, parts), default=1)))
            last = all(len(part) <= width for part in parts)
            rows, above = list[list[int]](), list[list[int]]()
            for part in parts:
                pieces = [part[at : at + width] for at in range(0, max(len(part), 1), width)]
                above.append(list(range(len(rows), len(rows) + len(pieces))))
                rows += pieces
            padded = [row + [values] * (width - len(row)) for row in rows]
            tables.append(torch.tensor(padded, dtype=torch.int64, device=index.device).view(len(rows), width))
            parts, values = above, len(rows)
        known[targets] = tuple(tables)
    return known[targets]


def sums_by_tree(values: Tensor, tables: tuple[Tensor, ...]) -> Tensor:
    """Return the sums of values, shape (E, ...), that the tables of `tree` state, shape (targets, ...)."""
    for table in tables:
        padded = torch.cat([values, values.new_zeros(1, *values.shape[1:])])
        values = padded.index_select(0, table.view(-1)).view(*table.shape, *values.shape[1:]).sum(1)
    return values


class _Gather(torch.autograd.Function):
    """values[index], whose gradient is summed by the tables."""

    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, index: Tensor, *tables: Tensor) -> Tensor:
        return values.index_select(0, index)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[2:])
        ctx.inputs = len(inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return sums_by_tree(gradient, ctx.saved_tensors), *[None] * (ctx.inputs - 1)


class _Sum(torch.autograd.Function):
    """Sums by the tables. The gradient of a value is that of its target."""

    generate_vmap_rule = True

    @staticmethod
    def forward(values: Tensor, index: Tensor, *tables: Tensor) -> Tensor:
        return sums_by_tree(values, tables)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.inputs = len(inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (index,) = ctx.saved_tensors
        return gradient.index_select(0, index), *[None] * (ctx.inputs - 1)

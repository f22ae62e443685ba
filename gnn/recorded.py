"""A training step that a GPU records once, as a CUDA graph, and then replays.

A step launches some hundred small kernels, and one by one they take longer to start than to run. A recording starts
all of them at once. It repeats what ran on the GPU, at the same addresses, and none of the Python between: inputs are
copied to where the recorded step reads them, and a decision in Python stays as it was. So the first replays are
compared with the step itself, value by value. Where recording fails or a value differs, the step goes on as it is
written, and says why.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gnn.members import each_tensor

_WARM_UP = 3  # steps before recording, in which libraries allocate what they keep; the last one may not wait
_COMPARED = 2  # replays that are compared: two, as inputs and Python's decisions may change between steps

Step = Callable[..., Any]
Recorder = Callable[[Step, tuple[Any, ...]], tuple[Callable[[], None], Any]]


def record(step: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
    """Return a function that runs `step(*arguments)` again with the tensors' values then, and where it puts results.

    Raises `RuntimeError` if the GPU cannot record it, for example because it waits for a value.
    """
    stream, aside = torch.cuda.current_stream(), _aside()
    aside.wait_stream(stream)
    try:
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UP - 1):
                step(*arguments)
            with _without_waiting():
                step(*arguments)
    finally:
        stream.wait_stream(aside)
    graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
    try:
        # The outer context puts the stream back where the recording fails; the inner one then leaves its own.
        with torch.cuda.stream(stream), torch.cuda.graph(graph, pool=pool, stream=aside):
            results = step(*arguments)
    except BaseException:
        # Where the recording could not be ended, some versions of torch leave this undone. Else the first call raises.
        with suppress(AttributeError, RuntimeError):
            torch._C._cuda_endAllocateToPool(stream.device_index, pool)
            torch._C._cuda_releasePool(stream.device_index, pool)
        raise
    return graph.replay, results


@cache
def _aside() -> torch.cuda.Stream:
    """Return the stream of all recordings; each stream keeps memory of the libraries for ever."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Let an operation that waits for the GPU raise: within a recording it would leave the GPU's memory in disorder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this mode a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


class RecordedStep:
    """`step`, which updates the tensors of `state` in place, recorded at its first call if they are on a GPU.

    Arguments and results of `step` are tensors, or nests of tuples and dictionaries of them. Results stay valid until
    the next call.
    """

    def __init__(self, step: Step, state: Sequence[Tensor], recorder: Recorder | None = None) -> None:
        self._step, self._state = step, list(state)
        self._recorder = recorder or (record if self._state[0].is_cuda else None)
        self._replay: Callable[[], None] | None = None
        self._inputs: list[Tensor] = []
        self._results: Any = None
        self._to_compare = _COMPARED

    def __call__(self, *arguments: Any) -> Any:
        """Take a step."""
        if self._recorder is not None:
            self._record(self._recorder, arguments)
        if self._replay is None:
            return self._step(*arguments)
        _put(self._inputs, tensors_of(arguments))
        if self._to_compare:
            self._to_compare -= 1
            results = self._compared(arguments)
            if not self._to_compare and self._state[0].is_cuda:
                torch.cuda.empty_cache()  # of the step as it is written, which is not taken again
            return results
        self._replay()
        return self._results

    def _record(self, recorder: Recorder, arguments: tuple[Any, ...]) -> None:
        self._recorder, before = None, _copies(self._state)
        try:
            inputs = each_tensor(Tensor.clone, arguments)
            self._replay, self._results = recorder(self._step, inputs)
            self._inputs = tensors_of(inputs)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError) as error:
            if isinstance(error.__context__, torch.OutOfMemoryError):  # and then the recording could not be ended
                raise error.__context__ from None
            _say(str(error.__context__ or error).partition("\n")[0])  # the context is what ended the recording
        _put(self._state, before)

    def _compared(self, arguments: tuple[Any, ...]) -> Any:
        """Take the step as it is written, and by replay from the same state."""
        assert self._replay is not None
        before, results = _copies(self._state), self._step(*arguments)
        after = _copies(self._state)
        _put(self._state, before)
        self._replay()
        replayed = [*tensors_of(self._results), *self._state]
        if not all(map(_same, replayed, [*tensors_of(results), *after])):
            self._replay = None
            _put(self._state, after)
            _say("its replay gives other values")
        return results


def tensors_of(value: Any) -> list[Tensor]:
    """Return the tensors of a nest, in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    return [tensor for part in value for tensor in tensors_of(part)] if isinstance(value, tuple) else [value]


@torch.no_grad()
def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _put(places: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for place, value in zip(places, values, strict=True):
        place.copy_(value)


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(((one == other) | (one.isnan() & other.isnan())).all())


def _say(reason: str) -> None:
    print(f"note: the GPU runs each step without a recording: {reason}", flush=True)

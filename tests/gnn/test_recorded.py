"""Recorded steps. In place of a GPU, a recorder keeps addresses and no Python, as a CUDA graph does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gnn.recorded import RecordedStep, Step, tensors_of


def repeat(step: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
    """Record as a GPU does: the step runs, which changes its state, and a replay writes results to the same places."""
    results = step(*arguments)

    def replay() -> None:
        for place, value in zip(tensors_of(results), tensors_of(step(*arguments)), strict=True):
            place.copy_(value)

    return replay, results


def refuse(step: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
    step(*arguments)
    raise RuntimeError("operation not permitted when stream is capturing\nmore about it")


def descent(weights: Tensor) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a step of gradient descent on |weights - target|^2, with a rate by name."""

    def step(target: Tensor, rates: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        difference = weights - target
        weights.sub_(rates["first"] * difference)
        return difference.square().sum(), difference.abs().max()

    return step


def course(number: int) -> tuple[Tensor, dict[str, Tensor]]:
    return torch.tensor([1.0, 2.0]) / number, {"first": torch.tensor(0.5 / number)}


@pytest.mark.parametrize("recorder", [repeat, refuse])
def test_a_recorded_step_changes_the_same_state_and_gives_the_same_results(recorder: Any) -> None:
    plain, other = torch.zeros(2), torch.zeros(2)
    step, recorded = descent(plain), RecordedStep(descent(other), [other], recorder)
    for number in range(1, 8):
        for one, two in zip(step(*course(number)), recorded(*course(number)), strict=True):
            assert torch.equal(one, two)
        assert torch.equal(plain, other)


def test_a_refused_recording_says_why_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    weights = torch.zeros(2)
    recorded = RecordedStep(descent(weights), [weights], refuse)
    recorded(*course(1))
    recorded(*course(2))
    assert capsys.readouterr().out == (
        "note: the GPU runs each step without a recording: operation not permitted when stream is capturing\n"
    )


def test_a_step_whose_python_decides_is_not_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    weights, calls = torch.zeros(2), list[int]()

    def every_other(rate: Tensor) -> Tensor:
        calls.append(1)
        return weights.add_(rate if len(calls) % 2 else 0.0).sum()

    def frozen(step: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
        place = step(*arguments)
        return lambda: place.copy_(weights.add_(*arguments).sum()), place

    recorded = RecordedStep(every_other, [weights], frozen)
    for _ in range(4):
        recorded(torch.tensor(1.0))
    assert capsys.readouterr().out.count("its replay gives other values") == 1
    assert len(calls) == 5  # one was recorded, and each of the four taken as it is written


def test_python_is_left_out_once_replays_have_been_compared() -> None:
    weights, calls = torch.zeros(2), list[int]()
    step = descent(weights)

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return step(*arguments)

    def frozen(ignored: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
        return repeat(step, arguments)

    recorded = RecordedStep(counted, [weights], frozen)
    for number in range(1, 10):
        recorded(*course(number))
    assert len(calls) == 2


def test_an_argument_that_is_no_tensor_is_not_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    weights = torch.zeros(2)
    recorded = RecordedStep(lambda number: weights.add_(number).sum(), [weights], repeat)
    assert [float(recorded(number)) for number in (1, 2)] == [2.0, 6.0]
    assert "without a recording" in capsys.readouterr().out


def test_a_lack_of_memory_is_the_callers_to_handle() -> None:
    def exhausted(step: Step, arguments: tuple[Any, ...]) -> tuple[Callable[[], None], Any]:
        try:
            raise torch.OutOfMemoryError("out of memory")
        finally:
            raise RuntimeError("the recording cannot be ended")

    weights = torch.zeros(2)
    with pytest.raises(torch.OutOfMemoryError):
        RecordedStep(descent(weights), [weights], exhausted)(*course(1))


def test_on_a_cpu_nothing_is_recorded() -> None:
    weights = torch.zeros(2)
    recorded = RecordedStep(descent(weights), [weights])
    first = recorded(*course(1))
    assert recorded(*course(2)) is not first
    assert float(first[0]) == 5.0

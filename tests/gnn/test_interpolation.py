from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gnn.interpolation import interpolated, interpolated_along, interpolated_by_rows
from gnn.layers import ScalarFunction


def perceptron(inputs: int, activation: str) -> ScalarFunction:
    """Return a perceptron as curved as a trained one: twice its initial weights."""
    torch.manual_seed(1)
    function = ScalarFunction(inputs, 32, 2, activation)
    for weight in function.parameters():
        weight.data *= 2.0
    return function


def relative(found: Tensor, true: Tensor) -> float:
    return float((found - true).detach().abs().max() / true.detach().abs().max())


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_a_function_of_one_scalar_and_its_gradients_are_close_to_evaluating_each_point(activation: str) -> None:
    function = perceptron(1, activation)
    values = (3.0 * torch.randn(40, 50)).requires_grad_()
    direction = torch.randn(40, 50)
    by = [values, *function.parameters()]
    each = torch.autograd.grad((function(values) * direction).sum(), by)
    read = torch.autograd.grad((interpolated(function, values) * direction).sum(), by)
    assert relative(interpolated(function, values), function(values)) < 2e-3
    assert max(map(relative, read, each)) < 2e-2


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_a_function_of_a_scalar_and_a_magnitude_too(activation: str) -> None:
    function = perceptron(2, activation)
    values, magnitudes = torch.randn(30, 50), (1.5 * torch.rand(30)).requires_grad_()
    direction = torch.randn(30, 50)
    by = [magnitudes, *function.parameters()]
    true = function(values, magnitudes.unsqueeze(-1).expand_as(values))
    found = interpolated_by_rows(function, values, magnitudes.unsqueeze(-1)).squeeze(1)
    each = torch.autograd.grad((true * direction).sum(), by)
    read = torch.autograd.grad((found * direction).sum(), by)
    assert relative(found, true) < 1e-3
    assert max(map(relative, read, each)) < 1e-2


def test_a_function_of_its_own_in_each_row_too() -> None:
    function = perceptron(2, "tanh")
    values, embedding = torch.randn(30, 50), torch.randn(30, 1).requires_grad_()
    values[7] = 1.0  # a row without any range

    def own(x: Tensor) -> Tensor:
        result: Tensor = function(x, embedding.expand_as(x))
        return result

    direction = torch.randn(30, 50)
    by = [embedding, *function.parameters()]
    each = torch.autograd.grad((own(values) * direction).sum(), by)
    read = torch.autograd.grad((interpolated_along(own, values) * direction).sum(), by)
    assert relative(interpolated_along(own, values), own(values)) < 1e-3
    assert max(map(relative, read, each)) < 1e-2


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_cubics_are_interpolated_exactly(power: int) -> None:
    values = torch.rand(7, 11, dtype=torch.float64)
    torch.testing.assert_close(interpolated(lambda x: x**power, values), values**power, atol=1e-6, rtol=0)


def test_the_error_falls_with_the_fourth_power_of_the_range() -> None:
    def worst(function: Callable[[Tensor], Tensor], top: float) -> float:
        values = torch.linspace(0.0, top, 10_007, dtype=torch.float64)
        return float((interpolated(function, values) - function(values)).abs().max())

    spacing = 20.0 / 128
    assert worst(torch.sin, 20.0) <= 1 / 24 * spacing**4
    assert 8.0 < worst(torch.sin, 20.0) / worst(torch.sin, 10.0) < 32.0


@pytest.mark.parametrize("values", [torch.zeros(3, 4), torch.full((3, 4), 7.0), torch.zeros(1, 1)])
def test_equal_values_are_interpolated(values: Tensor) -> None:
    torch.testing.assert_close(interpolated(torch.cos, values), values.cos())


def test_nan_gives_nan_and_no_wrong_index() -> None:
    assert interpolated(torch.cos, torch.tensor([[0.0, float("nan")], [1.0, 2.0]])).isnan().all()

import pytest
import torch
from torch import Tensor

from gnn.spline import Grid

X = torch.linspace(-1.0, 3.0, 101, dtype=torch.float64)
GRID = Grid(-1.0, 3.0, 9)


def cubic(x: Tensor) -> Tensor:
    return 0.5 * x**3 - x**2 + 2.0


def test_at_a_knot_three_splines_are_one_two_thirds_and_one_sixth_high() -> None:
    # Cubic B-splines on equal cells are 1/6, 4/6, 1/6 at the knots (de Boor 1978).
    at_third_knot = GRID.design(torch.tensor(-1.0 + 2 * 4.0 / 6, dtype=torch.float64))
    expected = torch.tensor([0, 0, 1, 4, 1, 0, 0, 0, 0], dtype=torch.float64) / 6
    torch.testing.assert_close(at_third_knot, expected, atol=1e-12, rtol=0)


def test_the_basis_is_nowhere_negative_and_sums_to_one() -> None:
    design = GRID.design(X)
    assert design.shape == (101, 9)
    assert bool((design >= 0).all())
    torch.testing.assert_close(design.sum(-1), torch.ones_like(X))


def test_a_cubic_is_reproduced_exactly_with_its_slope() -> None:
    coefficients = GRID.fitted(cubic, X)
    torch.testing.assert_close(GRID.value(coefficients, X), cubic(X), atol=1e-6, rtol=0)
    torch.testing.assert_close(GRID.design(X) @ coefficients, cubic(X), atol=1e-6, rtol=0)
    torch.testing.assert_close(GRID.slope(coefficients, X), 1.5 * X**2 - 2 * X, atol=1e-6, rtol=0)


def test_beyond_the_grid_the_function_is_a_straight_line() -> None:
    coefficients = GRID.fitted(cubic, X)
    below, above = GRID.value(coefficients, torch.tensor([-3.0, 5.0], dtype=torch.float64))
    assert float(below) == pytest.approx(float(cubic(X[0])) - 2 * 3.5, abs=1e-5)
    assert float(above) == pytest.approx(float(cubic(X[-1])) + 2 * 7.5, abs=1e-5)


def test_beyond_the_grid_the_basis_and_the_slope_stay_as_at_the_end() -> None:
    coefficients = GRID.fitted(cubic, X)
    outside, end = X.new_tensor([-3.0, 5.0]), X.new_tensor([-1.0, 3.0])
    torch.testing.assert_close(GRID.design(outside), GRID.design(end))
    torch.testing.assert_close(GRID.slope(coefficients, outside), GRID.slope(coefficients, end))


def test_any_shape_of_points_is_taken() -> None:
    coefficients = GRID.fitted(cubic, X)
    square = X[:100].view(10, 10)
    assert GRID.design(square).shape == (10, 10, 9)
    torch.testing.assert_close(GRID.value(coefficients, square).flatten(), GRID.value(coefficients, X[:100]))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, 6.0)])
def test_roughness_of_a_parabola_is_its_squared_curvature_and_that_of_a_line_is_zero(low: float, high: float) -> None:
    grid = Grid(low, high, 203)
    # In units of the interval, (2 u)^2 has the second derivative 8 everywhere; there are 201 second differences.
    parabola = grid.fitted(lambda x: (2 * (x - low) / (high - low)) ** 2, X)
    rough = grid.roughness(X)
    assert float(parabola @ rough @ parabola) == pytest.approx(64 * 201 / 200, rel=1e-3)
    line = grid.fitted(lambda x: 3 * x - 1, X)
    assert float(line @ rough @ line) == pytest.approx(0.0, abs=1e-3)

import json
from dataclasses import replace
from io import StringIO

import pytest
import torch
from torch import Tensor

import gnn.newton
from gnn.clock import Clock
from gnn.newton import _in_natural_units, _normal_equations, _penalty_form, _position, _stepped, _within_grid, refine
from gnn.projection import Fit, Functions, fit
from gnn.spline import Grid
from tests.planted import Planted, clock, plant

SMALL = (
    (-1, 1, 0),
    (1, -2, -1),
    (0, 1, 1),
)


def shaken(planted: Planted, size: float) -> Fit:
    """The true columns with functions that are off by about `size`."""
    generator = torch.Generator().manual_seed(1)
    functions = planted.functions
    off = replace(
        functions,
        substrate=functions.substrate + size * torch.randn(functions.substrate.shape, generator=generator).double(),
        log_rate=functions.log_rate + size * torch.randn(functions.log_rate.shape, generator=generator).double(),
    )
    return fit(planted.problem, off, planted.columns)


def along(planted: Planted, current: Fit, parameter: int, step: float) -> Fit:
    """The fit with one spline coefficient increased."""
    direction = torch.zeros_like(_position(current))
    direction[parameter] = -step
    return _stepped(planted.problem, current, direction)


def test_a_step_is_taken_off_both_functions() -> None:
    planted = plant(SMALL, balanced=False)
    current = planted.fit()
    step = torch.arange(float(len(_position(current)))).double() / 100
    torch.testing.assert_close(_position(_stepped(planted.problem, current, step)), _position(current) - step)


def test_the_gradient_is_half_the_derivative_of_the_error() -> None:
    planted = plant(SMALL, balanced=False, noise=0.1)
    current = shaken(planted, 0.2)
    _, gradient = _normal_equations(planted.problem, current)
    for parameter in range(len(gradient)):
        above, below = (along(planted, current, parameter, step).mse for step in (1e-5, -1e-5))
        assert float(gradient[parameter]) == pytest.approx((above - below) / 2e-5 / 2, rel=1e-4, abs=1e-7)


def test_the_matrix_is_that_of_the_derivatives_less_their_part_in_the_span_of_the_rates() -> None:
    # Kaufman's approximation (BIT 1975), written out with derivatives by differences.
    planted = plant(SMALL, balanced=False, noise=0.1)
    current = shaken(planted, 0.2)
    matrix, _ = _normal_equations(planted.problem, current)
    strength = current.design * (current.constant / current.norm)
    columns = []
    for parameter in range(len(matrix)):
        above, below = (along(planted, current, parameter, step) for step in (1e-5, -1e-5))
        derivative = (above.rates * above.norm[:, None] - below.rates * below.norm[:, None]) / 2e-5
        columns.append((strength @ derivative).flatten())
    jacobian = torch.stack(columns, 1)
    features = (current.design.unsqueeze(-1) * current.rates).permute(0, 2, 1).flatten(0, 1)
    projected = jacobian - features @ torch.linalg.lstsq(features, jacobian).solution
    torch.testing.assert_close(matrix, projected.T @ projected / len(jacobian), atol=1e-6, rtol=1e-4)


def test_the_normal_equations_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(SMALL, balanced=False, noise=0.1)
    current = shaken(planted, 0.2)
    whole = _normal_equations(planted.problem, current)
    monkeypatch.setattr(gnn.newton, "_CHUNK", 7)
    for part, expected in zip(_normal_equations(planted.problem, current), whole, strict=True):
        torch.testing.assert_close(part, expected)


def test_close_to_the_answer_one_step_takes_away_nearly_all_of_the_error() -> None:
    planted = plant()
    start = shaken(planted, 1e-3)
    assert refine(planted.problem, start, 1, clock()).mse < 1e-3 * start.mse


def test_the_minimum_is_reached_where_the_gradient_is_zero() -> None:
    planted = plant(noise=0.1)
    found = refine(planted.problem, shaken(planted, 0.1), 40, clock())
    _, gradient = _normal_equations(planted.problem, found)
    gradient = gradient + _penalty_form(found) @ _position(found)
    _, before = _normal_equations(planted.problem, shaken(planted, 0.1))
    assert float(gradient.norm()) < 1e-2 * float(before.norm())
    assert found.mse <= planted.fit().mse


def test_a_step_lowers_the_penalised_error_however_far_the_start() -> None:
    for size in (0.3, 1.0, 3.0):
        planted, curve = plant(), StringIO()
        start = shaken(planted, size)
        form = _penalty_form(fit(planted.problem, _in_natural_units(start), planted.columns))
        found = refine(planted.problem, start, 1, Clock(1, curve))
        before, after = (_position(at) @ form @ _position(at) + at.mse for at in (start, found))
        assert float(after) < float(before)
        assert json.loads(curve.getvalue()) == {"step": 1, "steps": 1, "loss": found.mse, "loss_pred": found.mse}


def test_steps_recover_functions_that_are_far_off() -> None:
    planted = plant()
    start = shaken(planted, 0.5)
    assert refine(planted.problem, start, 10, clock()).mse < 1e-3 * start.mse


def test_no_more_steps_are_made_than_asked_for_nor_than_the_budget_has() -> None:
    planted = plant()
    asked, left = clock(100), clock(2)
    refine(planted.problem, shaken(planted, 0.5), 3, asked)
    assert asked.spent == 0.03
    refine(planted.problem, shaken(planted, 0.5), 3, left)
    assert left.spent == 1.0


def test_at_the_minimum_steps_end() -> None:
    planted, budget = plant(noise=0.1), clock(100)
    minimum = refine(planted.problem, planted.fit(), 60, clock())
    refine(planted.problem, minimum, 60, budget)
    assert budget.spent <= 0.3


def test_a_step_that_gains_too_little_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    planted, budget = plant(), clock(100)
    monkeypatch.setattr(gnn.newton, "_WORTHWHILE", 1.0)
    refine(planted.problem, shaken(planted, 0.5), 10, budget)
    assert budget.spent == 0.01


def test_where_no_damping_helps_steps_end_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    planted, budget = plant(noise=0.1), clock(100)
    start = planted.fit()
    monkeypatch.setattr(gnn.newton, "_TRIES", 0)
    found = refine(planted.problem, start, 10, budget)
    assert budget.spent == 0.01
    assert found.mse == pytest.approx(start.mse)


def test_in_natural_units_drives_have_unit_spread_and_rates_unit_mean_and_the_fit_is_the_same() -> None:
    planted = plant(noise=0.1)
    start = planted.fit()
    scaled = fit(planted.problem, _in_natural_units(start), planted.columns)
    assert float(scaled.drive.std()) == pytest.approx(1.0)
    torch.testing.assert_close(scaled.rates, start.rates)
    assert float((scaled.rates * scaled.norm.unsqueeze(-1)).mean()) == pytest.approx(1.0, rel=1e-6)
    assert scaled.mse == pytest.approx(start.mse)


def test_where_nothing_is_consumed_the_scales_stay_finite() -> None:
    planted = plant()
    functions = _in_natural_units(planted.fit(torch.zeros_like(planted.columns)))
    assert bool(functions.substrate.isfinite().all())
    assert functions.rate_grid.low < functions.rate_grid.high < float("inf")


def penalty(planted: Planted, functions: Functions) -> float:
    """Roughness of these functions as it is weighed, for an error of 1."""
    position = torch.cat([functions.substrate.flatten(), functions.log_rate])
    form: Tensor = _penalty_form(replace(planted.fit(), functions=functions, mse=1.0))
    return float(position @ form @ position) / 1e-5


def test_straight_lines_that_differ_alike_from_magnitude_to_magnitude_are_not_penalised() -> None:
    planted = plant(SMALL, balanced=False, alphabet=(1, 2, 3))
    grid, line = Grid(0.0, 1.0, 9), torch.arange(9.0).double()
    straight = Functions(torch.stack([line, 2 * line, 3 * line]), grid, line, grid)
    assert penalty(planted, straight) == pytest.approx(0.0, abs=1e-9)
    # A kink of 1 in one coefficient of the outer magnitude, between two of 0: 1 across, and 6^3 (1 + 4 + 1) along.
    kinked = straight.substrate.clone()
    kinked[2, 4] += 1.0
    assert penalty(planted, replace(straight, substrate=kinked)) == pytest.approx(1 + 6**3 * 6)
    bent = straight.log_rate.clone()
    bent[4] += 1.0
    assert penalty(planted, replace(straight, log_rate=bent)) == pytest.approx(6**3 * 6)


def with_rate_grid(planted: Planted, low: float, high: float, size: int = 40) -> Fit:
    """The true fit with its rate on another grid."""
    functions = planted.functions
    grid = Grid(low, high, size)
    log_rate = grid.fitted(lambda h: functions.rate_grid.value(functions.log_rate, h), functions.log_rate)
    return fit(planted.problem, replace(functions, rate_grid=grid, log_rate=log_rate), planted.columns)


def test_a_rate_grid_that_fits_the_drives_is_kept() -> None:
    planted = plant()
    drive = planted.fit().drive
    current = with_rate_grid(planted, float(drive.min()), float(drive.max()))
    assert _within_grid(planted.problem, current) is current


@pytest.mark.parametrize(("below", "above"), [(-0.2, 0.0), (0.0, -0.2), (1.0, 1.0)], ids=["low", "high", "shrunk"])
def test_the_grid_of_the_rate_follows_the_drives(below: float, above: float) -> None:
    planted = plant(noise=0.3)
    drive = planted.fit().drive
    low, high = float(drive.min()), float(drive.max())
    current = with_rate_grid(planted, low - below * (high - low), high + above * (high - low))
    moved = _within_grid(planted.problem, current)
    assert moved.functions.rate_grid.low == pytest.approx(low - 0.02 * (high - low))
    assert moved.functions.rate_grid.high == pytest.approx(high + 0.02 * (high - low))
    assert moved.functions.substrate.shape == current.functions.substrate.shape
    assert moved.functions.rate_grid.size == 40


def test_a_grid_on_which_the_fit_is_worse_is_not_taken() -> None:
    # Five splines over all drives cannot follow what five over a part of them, straight beyond, happened to.
    planted = plant()
    exact = planted.fit()
    current = replace(exact, functions=replace(exact.functions, rate_grid=Grid(-30.0, 30.0, 10)))
    assert exact.mse < 1e-14
    assert _within_grid(planted.problem, current) is current

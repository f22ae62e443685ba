import pytest

from agent.screen.experiment_view import sparkline


@pytest.mark.parametrize("points", [1, 59, 60, 61, 100, 1000])
def test_a_curve_fits_its_line_whatever_its_length(points: int) -> None:
    assert 0 < len(sparkline([1.0 / (1 + index) for index in range(points)])) <= 60


def test_a_falling_loss_falls_and_what_is_not_finite_is_left_out() -> None:
    assert sparkline([100.0, 10.0, 1.0, float("nan"), float("inf")]) == "█▅▁"
    assert sparkline([]) == ""

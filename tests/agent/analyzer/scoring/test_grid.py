import numpy as np
import pytest

from agent.analyzer.scoring.dynamics import softplus
from agent.analyzer.scoring.grid import Grid

GRIDS = {
    "two nodes": np.array([0.0, 1.0]),
    "even": np.linspace(-3.0, 5.0, 513),
    "logarithmic": np.geomspace(0.01, 100.0, 257),
    "too uneven for a table": np.array([0.0, 1e-9, 1.0, 2.0, 1e6]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_the_cell_of_a_value_is_that_of_a_bisection(name: str) -> None:
    nodes = GRIDS[name]
    draw = np.random.default_rng(0)
    middle = draw.uniform(nodes[0], nodes[-1], 10_000)
    values = np.concatenate([nodes, np.nextafter(nodes, -np.inf), np.nextafter(nodes, np.inf), middle, [-1e9, 1e9]])
    cell, place = Grid(nodes).locate(values)
    inside = np.clip(values, nodes[0], nodes[-1])
    expected = np.clip(np.searchsorted(nodes, inside, side="right") - 1, 0, len(nodes) - 2)
    assert cell.tolist() == expected.tolist()
    assert place == pytest.approx((inside - nodes[expected]) / np.diff(nodes)[expected], abs=1e-12)
    assert place.min() >= 0.0
    assert place.max() <= 1.0


def test_values_keep_their_shape_and_are_not_changed() -> None:
    values = np.array([[0.25, 7.0], [-7.0, 1.0]])
    cell, place = Grid(np.array([0.0, 0.5, 1.0])).locate(values)
    assert cell.tolist() == [[0, 1], [0, 1]]
    assert place.tolist() == [[0.5, 1.0], [0.0, 1.0]]
    assert values.tolist() == [[0.25, 7.0], [-7.0, 1.0]]


@pytest.mark.parametrize("name", GRIDS)
def test_what_is_no_number_has_no_position(name: str) -> None:
    with np.errstate(invalid="ignore"):
        cell, place = Grid(GRIDS[name]).locate(np.array([np.nan, 0.5]))
    assert 0 <= cell[0] < len(GRIDS[name]) - 1
    assert np.isnan(place).tolist() == [True, False]


def test_softplus_holds_for_values_as_large_as_a_table_may_have() -> None:
    values = np.array([-1e6, -30.0, -1.0, 0.0, 1.0, 30.0, 1e6])
    assert softplus(values) == pytest.approx(np.logaddexp(0.0, values), rel=1e-14)

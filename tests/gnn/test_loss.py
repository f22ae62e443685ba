import math

import pytest
import torch

from gnn.loss import PENALTIES, LossCoefficients, penalty, prediction_error
from gnn.observations import Graph

INDEX = torch.tensor
# Two reactions: coefficients (-1, 0.5) and (2, 1).
GRAPH = Graph(
    3, 2, INDEX([0]), INDEX([0]), INDEX([0, 1, 1, 2]), INDEX([0, 0, 1, 1]), INDEX([0]), role=INDEX([-1, 1, 1, 1])
)
STO = torch.tensor([-1.0, 0.5, 2.0, 1.0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("coeff_S_L1", 4.5),
        ("coeff_S_L2", math.sqrt(1 + 0.25 + 4 + 1)),
        ("coeff_mass", 0.5**2 + 3.0**2),
        ("coeff_S_integer", 1.0),
    ],
)
def test_each_penalty_has_the_value_of_its_formula(name: str, value: float) -> None:
    assert float(PENALTIES[name](STO, GRAPH)) == pytest.approx(value, abs=1e-5)


def test_the_penalty_is_the_weighted_sum() -> None:
    values = {"coeff_S_L1": 2.0, "coeff_S_L2": 0.0, "coeff_mass": 3.0, "coeff_S_integer": 0.0}
    weights = {name: torch.tensor(value) for name, value in values.items()}
    assert float(penalty(STO, GRAPH, weights)) == pytest.approx(2 * 4.5 + 3 * 9.25)


def test_every_penalty_has_its_field() -> None:
    assert set(PENALTIES) == set(LossCoefficients.__dataclass_fields__)


def test_prediction_error_is_measured_in_units_of_the_observed_rate() -> None:
    dcdt = torch.tensor([[1.0, 3.0]])
    assert float(prediction_error(dcdt + 2.0, dcdt, scale=2.0)) == pytest.approx(1.0)

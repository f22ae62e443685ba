import io
import json

import numpy as np
import pytest

from gnn.clock import Clock
from gnn.config import Configuration
from gnn.recover import recover, stages_of
from tests.networks import observed, truth

CONFIGURATION = Configuration(passes=2)


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_the_planted_columns_come_back(derivative: bool) -> None:
    observations = observed(derivative=derivative)
    curves = io.StringIO()
    found = recover(observations, CONFIGURATION, 0, Clock(90, stages_of(CONFIGURATION), curves))
    assert found.sto_all.tolist() == truth(observations.graph).tolist()
    steps = [json.loads(line)["step"] for line in curves.getvalue().splitlines()]
    assert steps == sorted(steps)
    assert (steps[-1], {18, 36, 54, 72, 90} <= set(steps)) == (90, True)


def test_the_same_seed_gives_the_same_answer() -> None:
    observations = observed(derivative=True)
    clocks = [Clock(10, stages_of(CONFIGURATION), io.StringIO()) for _ in range(2)]
    one, other = (recover(observations, CONFIGURATION, 3, clock) for clock in clocks)
    np.testing.assert_array_equal(one.size, other.size)

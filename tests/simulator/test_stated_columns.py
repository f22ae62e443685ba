from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.network import Graph
from simulator.stated_columns import StatedColumns


def test_an_incomplete_column_has_a_length_only_if_one_of_its_coefficients_is_known() -> None:
    reactions = np.array([0, 0, 1, 1, 2, 2])
    graph = Graph(3, 3, np.array([0, 1, 1, 2, 0, 2]), reactions, np.array([-1, 1, -1, 1, -1, 1], dtype=np.int8))
    stated = replace(
        StatedColumns.nothing(graph),
        incomplete=np.array([True, True, False]),
        known=np.array([0, 0, -1, 0, 0, 0]),
    )
    assert stated.without_length(graph).tolist() == [True, True, False, False, False, False]

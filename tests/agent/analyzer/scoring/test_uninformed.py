from dataclasses import replace

import numpy as np

from agent.analyzer.scoring.score import score
from agent.analyzer.scoring.uninformed import baseline, uninformed
from simulator.dataset import Dataset
from simulator.network import graph_of
from simulator.regime import Constraints
from tests.agent.analyzer.scoring.estimates import true_estimate

BALANCED = Constraints(
    alphabet=(1, 2, 3), mass_balanced=True, max_substrates=2, max_products=3, may_be_absent=False, primitive=True
)


def test_the_most_probable_column_is_that_with_most_in_common_with_others() -> None:
    """One substrate and two products: -2 1 1, -3 1 2 or -3 2 1. Without data, -3 is right in two of three."""
    graph = replace(graph_of(np.array([[-3], [1], [2]])), role=np.array([-1, 1, 1], dtype=np.int8))
    trivial, decoded, likely = (answer.tolist() for answer in uninformed(graph, BALANCED))
    assert trivial == [-1, 1, 1]
    assert decoded == [-2, 1, 1]
    assert sorted(likely) == [-3, 1, 2]


def test_where_roles_are_hidden_no_column_is_more_probable(veiled: Dataset) -> None:
    _, decoded, likely = uninformed(veiled.graph, veiled.regime.constraints)
    assert (decoded == likely).all()


def test_the_score_is_that_of_the_best_of_them(tiny: Dataset) -> None:
    scores = score(true_estimate(tiny), tiny)
    shares = [float(np.mean(a == tiny.truth.sto_all)) for a in uninformed(tiny.graph, tiny.regime.constraints)]
    assert scores["uninformed_exact"] == max(shares) > scores["baseline_exact"] == shares[0]
    handed_in = replace(true_estimate(tiny), sto_all=baseline(tiny.graph).astype(float))
    assert score(handed_in, tiny)["exact"] == shares[1]

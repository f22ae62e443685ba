import numpy as np

from gnn.confidence import Confidence, answered, confidence_of
from gnn.observations import Floats
from tests.networks import graph_of

GRAPH = graph_of(np.array([[-1], [1]]))
COLUMNS = np.array([[-1, 1], [-1, 2], [-2, 1]])


def confidence(*margins: Floats) -> Confidence:
    return confidence_of(GRAPH, [COLUMNS], [margins], np.array([0]), rows=1000)


def test_a_column_far_ahead_is_sure_and_taking_another_has_a_price() -> None:
    found = confidence(np.array([0.0, -50.0, -80.0]), np.array([0.0, -50.0, -80.0]))
    assert found.probability.min() > 0.99
    assert found.runner_up.tolist() == [-2, 2]
    np.testing.assert_allclose(found.price, np.expm1([0.08, 0.05]))


def test_columns_with_the_same_evidence_share_the_probability_by_coefficient() -> None:
    found = confidence(np.zeros(3), np.zeros(3))
    np.testing.assert_allclose(found.probability, [2 / 3, 2 / 3])


def test_passes_that_disagree_make_less_sure() -> None:
    agreed = confidence(np.array([0.0, -8.0, -90.0]), np.array([0.0, -8.0, -90.0]))
    doubted = confidence(np.array([0.0, -1.0, -90.0]), np.array([0.0, -15.0, -90.0]))
    assert doubted.probability[1] < agreed.probability[1]


def test_a_column_without_an_alternative_is_certain() -> None:
    found = confidence_of(GRAPH, [COLUMNS[:1]], [(np.zeros(1), np.zeros(1))], np.array([0]), rows=10)
    assert found.probability.tolist() == [1.0, 1.0]
    assert found.runner_up.tolist() == [0, 0]


def test_the_answer_is_the_column_that_is_sure_or_else_the_smallest_that_may_be_right() -> None:
    sure, doubted = np.array([-20.0, 0.0, -20.0]), np.array([-3.0, -20.0, 0.0])
    assert answered([COLUMNS], [(sure, sure)]).tolist() == [1]
    assert answered([COLUMNS], [(doubted, doubted)]).tolist() == [0]
    assert answered([COLUMNS], [(sure, doubted)]).tolist() == [0]

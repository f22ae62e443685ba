import numpy as np
import pytest

from gnn.confidence import Confidence, answered, confidence_of
from gnn.observations import Floats
from gnn.search import prior_odds
from tests.networks import graph_of

GRAPH = graph_of(np.array([[-1], [1]]))
COLUMNS = np.array([[-1, 1], [-1, 2], [-2, 1]])


def confidence(*margins: Floats) -> Confidence:
    return confidence_of(GRAPH, [COLUMNS], [margins], np.array([0]), [1000.0] * len(margins))


def test_a_column_far_ahead_is_sure_and_taking_another_has_a_price() -> None:
    found = confidence(np.array([0.0, -50.0, -80.0]), np.array([0.0, -50.0, -80.0]))
    assert found.probability.min() > 0.99
    assert found.runner_up.tolist() == [-2, 2]
    odds = float(prior_odds(COLUMNS[1])) / 1000.0  # no part of the price
    np.testing.assert_allclose(found.price, np.expm1([0.08 - odds, 0.05 - odds]))


def test_what_the_data_do_not_tell_has_no_price() -> None:
    """Before any data, 99 of 100 coefficients are 1."""
    odds = prior_odds(COLUMNS)
    silent, told = (confidence(-odds - data) for data in (np.array([0.0, 1.9, 1.9]), np.array([0.0, 2.1, 1.9])))
    assert silent.probability.min() > 0.98
    assert silent.price.tolist() == [0.0, 0.0]
    assert (told.price > 0).tolist() == [False, True]


def test_a_coefficient_that_all_likely_columns_share_has_a_price_whichever_is_the_answer() -> None:
    columns = np.array([[-1, 1], [-1, 2], [-2, 2]])
    margins = np.array([-8.0, 0.0, -5.0]) - prior_odds(columns)
    found = confidence_of(GRAPH, [columns], [(margins, margins)], np.array([0]), [1000.0, 1000.0])
    assert found.price[0] == pytest.approx(0.005, rel=0.01)


def test_a_coefficient_has_no_price_unless_the_data_prefer_it_to_every_other() -> None:
    """By the odds before any data 2 is the runner-up, but the data prefer 3."""
    columns = np.array([[-1, 1], [-1, 2], [-2, 1], [-3, 2]])
    margins = np.array([0.0, -9.0, -3.0, 3.0]) - prior_odds(columns)
    found = confidence_of(GRAPH, [columns], [(margins, margins)], np.array([0]), [1000.0, 1000.0])
    assert (found.runner_up[0], found.price[0]) == (-2, 0.0)


def test_an_edge_that_may_be_absent_has_an_alternative() -> None:
    columns = np.array([[-1, 1], [0, 1]])
    found = confidence_of(GRAPH, [columns], [(-prior_odds(columns),)], np.array([0]), [1000.0])
    assert (found.runner_up[0], found.price[0], found.probability[1]) == (0, 0.0, 1.0)
    assert 0.9 < found.probability[0] < 1.0


def test_columns_with_the_same_evidence_share_the_probability_by_coefficient() -> None:
    found = confidence(np.zeros(3), np.zeros(3))
    np.testing.assert_allclose(found.probability, [2 / 3, 2 / 3])


def test_passes_that_disagree_make_less_sure() -> None:
    agreed = confidence(np.array([0.0, -8.0, -90.0]), np.array([0.0, -8.0, -90.0]))
    doubted = confidence(np.array([0.0, -1.0, -90.0]), np.array([0.0, -15.0, -90.0]))
    assert doubted.probability[1] < agreed.probability[1]


def test_a_column_without_an_alternative_is_certain() -> None:
    found = confidence_of(GRAPH, [COLUMNS[:1]], [(np.zeros(1), np.zeros(1))], np.array([0]), [10.0, 10.0])
    assert found.probability.tolist() == [1.0, 1.0]
    assert found.runner_up.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("columns", "shares", "answer"),
    [
        ([[-1, 1], [-2, 1], [-1, 2]], [0.02, 0.97, 0.01], 1),  # sure
        ([[-1, 1], [-2, 1], [-1, 2]], [0.10, 0.01, 0.89], 0),  # 1 may be right
        ([[-1, 1], [-2, 1], [-1, 2], [-2, 2]], [0.001, 0.06, 0.85, 0.089], 2),  # no fewer departures from 1
        ([[-1, 1], [-2, 1], [-2, 2], [-1, 2]], [0.051, 0.5, 0.448, 0.001], 1),  # the -2 is sure
        ([[-1, 0, 1], [0, -1, 1], [-1, -1, 1]], [0.06, 0.04, 0.9], 2),  # absent is no 1
    ],
)
def test_an_answer_that_is_not_sure_prefers_1_where_it_may_be_right(
    columns: list[list[int]], shares: list[float], answer: int
) -> None:
    margins = 2.0 * np.log(np.array(shares))
    assert answered([np.array(columns)], [(margins, margins)]).tolist() == [answer]


def test_of_many_columns_that_are_all_improbable_the_most_probable_is_the_answer() -> None:
    margins = 2.0 * np.log(np.concatenate([[1e-12], np.full(40, 1.0 / 40.0)]))
    margins[7] += 0.1
    columns = np.array([[-1, 1], *([-2, size] for size in range(2, 42))])
    assert answered([columns], [(margins, margins)]).tolist() == [7]

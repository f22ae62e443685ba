from dataclasses import replace

import numpy as np

from gnn.columns import columns_of
from tests.networks import graph_of, observed

FREE = observed(derivative=True).constraints


def test_columns_have_the_signs_of_the_graph_and_no_common_divisor() -> None:
    (columns,) = columns_of(graph_of(np.array([[-1], [1]])), FREE)
    assert columns.tolist() == [[-1, 1], [-2, 1], [-1, 2]]


def test_multiples_are_allowed_where_columns_need_not_be_primitive() -> None:
    (columns,) = columns_of(graph_of(np.array([[-1], [1]])), replace(FREE, primitive=False))
    assert [-2, 2] in columns.tolist()


def test_columns_keep_the_mass_balance_and_exchange_is_exempt() -> None:
    balanced = replace(FREE, mass_balanced=True)
    inner, feed = columns_of(graph_of(np.array([[-1, 0], [-1, 0], [1, 1]])), balanced)
    assert inner.tolist() == [[-1, -1, 2]]
    assert feed.tolist() == [[1]]


def test_metabolites_may_cross_the_border_together() -> None:
    """As in the cotransport of an amino acid and sodium, of which only the inside is balanced."""
    (columns,) = columns_of(graph_of(np.array([[1], [1]])), FREE)
    assert [1, 2] in columns.tolist()
    assert [2, 2] not in columns.tolist()


def test_an_edge_of_unknown_role_may_be_on_either_side_or_absent() -> None:
    graph = replace(graph_of(np.array([[-1], [1], [1]])), role=np.array([-1, 1, 0], dtype=np.int8))
    (columns,) = columns_of(graph, replace(FREE, may_be_absent=True))
    assert {-1, 0, 1} <= set(columns[:, 2].tolist())

from dataclasses import replace

import numpy as np

from gnn.columns import columns_of as allowed
from gnn.observations import Constraints, Graph, Ints, stated_in
from tests.networks import graph_of, observed

FREE = observed(derivative=True).constraints


def columns_of(graph: Graph, constraints: Constraints, **stated: Ints) -> list[Ints]:
    """The allowed columns, with what a user states."""
    return allowed(graph, constraints, stated_in(graph, stated))


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


def test_a_known_coefficient_is_kept_and_fixes_the_length_of_its_column() -> None:
    """As in 3 m0 -> m1, or in 2 m0 -> m1, whose other coefficient may be 2."""
    graph = graph_of(np.array([[-1], [1]]))
    for known, wanted in ((-3, [[-3, 1], [-3, 2]]), (-2, [[-2, 1], [-2, 2]])):
        (columns,) = columns_of(graph, FREE, known=np.array([known, 0]))
        assert columns.tolist() == wanted


def test_tied_coefficients_are_equal() -> None:
    """As in ?n m0 + m1 -> ?n m2."""
    (columns,) = columns_of(graph_of(np.array([[-1], [-1], [1]])), FREE, tied=np.array([1, 0, 1]))
    assert columns.tolist() == [[-1, -1, 1], [-1, -2, 1], [-2, -1, 2]]


def test_a_column_that_lacks_members_has_any_length_and_any_side() -> None:
    graph = replace(graph_of(np.array([[-1], [1]])), role=np.zeros(2, dtype=np.int8))
    (columns,) = columns_of(graph, FREE, incomplete=np.array([True]))
    assert {(-2, 2), (1, 1)} <= {tuple(column) for column in columns.tolist()}


def test_statements_that_contradict_each_other_leave_columns() -> None:
    """Coefficients that are known win over a tie, and a column is never empty."""
    graph = graph_of(np.array([[-1], [1]]))
    (columns,) = columns_of(graph, FREE, known=np.array([-1, 2]), tied=np.array([1, 1]))
    assert columns.tolist() == [[-1, 2]]
    absent = replace(graph, role=np.zeros(2, dtype=np.int8))
    (columns,) = columns_of(absent, replace(FREE, may_be_absent=True), incomplete=np.array([True]))
    assert columns.any(axis=1).all()

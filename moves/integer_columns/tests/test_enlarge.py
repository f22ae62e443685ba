import torch

from gnn.enlarge import _unchanged_rates, enlarged
from gnn.polish import polish
from tests.planted import clock, plant

# A -> B, 4 B -> C, C -> A, A + C -> B: one substrate of magnitude 4.
FOUR = (
    (-1, 0, 1, -1),
    (1, -4, 0, 1),
    (0, 1, -1, -1),
)


def test_each_substrate_is_given_each_magnitude_that_none_has_with_the_function_that_it_had() -> None:
    planted = plant(balanced=False, alphabet=(1, 2, 3, 4))
    current = planted.fit()
    tries = list(_unchanged_rates(planted.problem, current))
    graph = planted.problem.graph
    assert len(tries) == 2 * len(graph.sub_to_all)
    torch.testing.assert_close(current.functions.substrate, planted.functions.substrate)
    for edge, (three, four) in zip(graph.sub_to_all.tolist(), zip(tries[::2], tries[1::2], strict=True), strict=True):
        before = int(-planted.columns[edge])
        for trial, magnitude in ((three, 3), (four, 4)):
            assert int(trial.columns[edge]) == -magnitude
            assert int((trial.columns != planted.columns).sum()) == 1
            torch.testing.assert_close(trial.drive, current.drive)
            torch.testing.assert_close(
                trial.functions.substrate[magnitude - 1], planted.functions.substrate[before - 1]
            )


def test_what_is_no_substrate_is_given_nothing() -> None:
    planted = plant(roles_told=False, alphabet=(1, 2, 3))
    tries = list(_unchanged_rates(planted.problem, planted.fit()))
    assert len(tries) == int((planted.columns < 0).sum())


def test_the_only_substrate_of_magnitude_four_is_found() -> None:
    planted = plant(FOUR, balanced=False, alphabet=(1, 2, 4), alike=True)
    start = planted.fit(planted.columns.masked_fill(planted.columns == -4, -1.0))
    found = enlarged(planted.problem, start, planted.candidates(), clock())
    torch.testing.assert_close(found.columns, planted.columns)
    assert found.mse < 1e-3 * start.mse


def test_a_magnitude_that_explains_little_is_not_believed() -> None:
    planted = plant(balanced=False, alphabet=(1, 2, 4), noise=0.5)
    start = polish(planted.problem, planted.fit(), planted.candidates(), clock())
    assert not bool((start.columns == -4).any())
    assert enlarged(planted.problem, start, planted.candidates(), clock()) is start


def test_where_every_magnitude_is_in_use_nothing_is_tried() -> None:
    planted, budget = plant(), clock(100)
    start = planted.fit()
    assert enlarged(planted.problem, start, planted.candidates(), budget) is start
    assert budget.spent == 0.0

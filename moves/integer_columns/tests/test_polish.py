from itertools import pairwise

import pytest
import torch

import gnn.polish
from gnn.newton import refine
from gnn.polish import polish
from gnn.search import Changes
from tests.planted import CHAIN, clock, plant
from tests.test_rows import COMMON


def test_wrong_columns_and_functions_that_are_off_are_put_right_in_turn() -> None:
    planted = plant(roles_told=False)
    wrong = planted.columns.clone()
    for reaction in (1, 3):
        wrong[planted.edges_of(reaction)] *= -1
    start = planted.fit(wrong)
    found = polish(planted.problem, start, planted.candidates(), clock())
    torch.testing.assert_close(found.columns, planted.columns)
    assert found.mse < 1e-4 < start.mse


def test_columns_that_need_not_balance_are_settled_row_by_row_too() -> None:
    planted = plant(COMMON, balanced=False, seed=2)
    wrong = planted.columns.clone()
    wrong[planted.problem.graph.met_all == 1] = torch.tensor([2.0, 2.0, 2.0, 1.0], dtype=torch.float64)
    found = polish(planted.problem, planted.fit(wrong), planted.candidates(), clock())
    torch.testing.assert_close(found.columns, planted.columns)


def test_the_answer_is_never_worse_than_the_functions_alone_make_it() -> None:
    errors = []
    for noise in (0.0, 0.3, 1.0):
        planted = plant(CHAIN, balanced=False, noise=noise)
        start = planted.fit(planted.without(2))
        found = polish(planted.problem, start, planted.candidates(), clock())
        assert found.mse <= refine(planted.problem, start, 10, clock()).mse
        errors.append(found.mse)
    assert all(less < more for less, more in pairwise(errors))


def test_where_nothing_is_wrong_the_columns_are_searched_once() -> None:
    planted, budget, alone = plant(), clock(100), clock(100)
    polish(planted.problem, planted.fit(), planted.candidates(), budget)
    refine(planted.problem, planted.fit(), 10, alone)
    assert budget.spent == alone.spent <= 0.1


def test_a_turn_that_does_not_help_is_undone_and_tried_again_for_fewer_reactions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = plant()
    worse, start, better = (planted.fit(planted.without(*range(missing))) for missing in (3, 2, 1))
    answers, counts = iter([worse, better, worse, worse]), []

    def surest(*arguments: object) -> torch.Tensor:
        counts.append(arguments[-1])
        return next(answers).columns

    monkeypatch.setattr(Changes, "surest", surest)
    monkeypatch.setattr(gnn.polish, "search", lambda *_: Changes(start.columns, torch.ones(6)))
    monkeypatch.setattr(gnn.polish, "settle", lambda _problem, current, _candidates: current.columns)
    monkeypatch.setattr(gnn.polish, "refine", lambda _problem, current, _steps, _clock: current)
    found = polish(planted.problem, start, planted.candidates(), clock())
    # All 6; 30 % of them; after one that helped 60 %; 18 %, at least 1, and no fewer can be tried.
    assert counts == [6, 1, 3, 1]
    torch.testing.assert_close(found.columns, better.columns)

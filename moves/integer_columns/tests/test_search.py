from dataclasses import replace

import pytest
import torch

import gnn.search
from gnn.integers import system_of
from gnn.projection import fit, with_columns
from gnn.search import Changes, _gains, _magnitude, _shortlist, highest, search
from tests.planted import Planted, plant


def test_the_planted_column_is_found_among_all_that_are_allowed() -> None:
    planted = plant(roles_told=False, absent=[(0, 1), (5, 1), (0, 2), (1, 2)])
    candidates = planted.candidates()
    for reaction in range(6):
        current = planted.fit(planted.without(reaction))
        assert len(candidates[reaction].columns) >= 4
        found = search(planted.problem, current, candidates)
        edges = planted.edges_of(reaction)
        torch.testing.assert_close(found.columns[edges], planted.columns[edges])
        assert float(found.gain[reaction]) > 0


def test_where_all_columns_are_right_nothing_is_gained() -> None:
    planted = plant(roles_told=False)
    found = search(planted.problem, planted.fit(), planted.candidates())
    torch.testing.assert_close(found.columns, planted.columns)
    assert found.gain.tolist() == [0.0] * 6


def test_where_no_column_explains_anything_all_stay() -> None:
    planted = plant(balanced=False)
    still = replace(planted.problem, dcdt=torch.zeros_like(planted.problem.dcdt))
    found = search(still, fit(still, planted.functions, planted.columns), planted.candidates())
    torch.testing.assert_close(found.columns, planted.columns)
    assert found.gain.tolist() == [0.0] * 6


def test_a_wrong_column_is_replaced_and_gains_what_it_explains_more() -> None:
    planted = plant(balanced=False)
    wrong = planted.columns.clone()
    wrong[planted.edges_of(4)[0]] = 2.0  # 2 F -> C + 2 A
    current = planted.fit(wrong)
    found = search(planted.problem, current, planted.candidates())
    torch.testing.assert_close(found.columns[planted.edges_of(4)], planted.columns[planted.edges_of(4)])
    # A gain is a share of dc/dt, summed over the metabolites.
    right = with_columns(planted.problem, current, planted.columns)
    assert float(found.gain[4]) == pytest.approx(6 * (current.mse - right.mse), rel=1e-4)


@pytest.mark.parametrize("roles_told", [True, False])
def test_a_gain_is_the_fall_of_the_error_with_all_rate_constants_refitted(roles_told: bool) -> None:
    planted = plant(roles_told=roles_told, balanced=False, noise=0.3)
    problem, reaction = planted.problem, 4
    empty = planted.fit(planted.without(reaction))
    own, system = planted.candidates()[reaction], system_of(problem, empty, empty.columns)
    rates = rates_of_ways(planted, reaction)
    gains = _gains(problem, empty, system, own, reaction, rates, torch.arange(len(own.columns)))
    for column, gain in zip(own.columns, gains, strict=True):
        filled = planted.fit(empty.columns.index_put((own.edges,), column))
        # One whose best rate constant is negative explains nothing.
        fall = 6 * (empty.mse - filled.mse) if float(filled.constant[reaction]) > 0 else 0.0
        assert float(gain) == pytest.approx(fall, rel=1e-4, abs=1e-6)
    last = torch.tensor([len(own.columns) - 1])  # by itself, of one way to consume out of several
    torch.testing.assert_close(_gains(problem, empty, system, own, reaction, rates, last), gains[last])


def rates_of_ways(planted: Planted, reaction: int) -> torch.Tensor:
    """Rates of a reaction, of unit root mean square, for each way to consume, by the fit of a column that does."""
    own, rates = planted.candidates()[reaction], []
    for way in range(len(own.labels)):
        column = own.columns[torch.nonzero(own.consumption == way)[0, 0]]
        rates.append(planted.fit(planted.columns.index_put((own.edges,), column)).rates[reaction])
    return torch.stack(rates)


def test_the_shortlist_holds_the_columns_that_gain_most_with_the_other_rate_constants_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gnn.search, "_SHORTLIST", 5)
    planted = plant(roles_told=False, balanced=False, noise=0.3)
    problem, reaction = planted.problem, 4
    current, own = planted.fit(), planted.candidates()[reaction]
    rates, scale = rates_of_ways(planted, reaction), problem.scale
    present = (own.columns == planted.columns[own.edges]).all(1)
    alone = problem.dcdt - (current.design * current.constant)[:, [0, 1, 2, 3, 5]] @ current.rates[[0, 1, 2, 3, 5]]
    explained = []
    for column, way in zip(own.columns, own.consumption, strict=True):
        part = problem.dcdt.new_zeros(6, 1)
        part[problem.graph.met_all[own.edges], 0] = column / scale[problem.graph.met_all[own.edges]]
        course = part * rates[way]
        k = max(0.0, float((course * alone).sum() / course.square().sum()))
        explained.append(float(alone.square().sum() - (alone - k * course).square().sum()))
    best = torch.tensor(explained).argsort(descending=True).tolist()
    listed = _shortlist(problem, current, own, reaction, rates, present).tolist()
    here = int(torch.nonzero(present)[0, 0])
    assert listed[0] == here
    assert set(listed) == {here, *[index for index in best if index != here][:4]}


def test_a_short_list_of_candidates_is_taken_whole_and_a_long_one_still_finds_the_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = plant(roles_told=False, balanced=False)
    candidates = planted.candidates()
    current = planted.fit(planted.without(1))
    own = candidates[1]
    everything = _shortlist(planted.problem, current, own, 1, rates_of_ways(planted, 1), torch.zeros(len(own.columns)))
    assert everything.tolist() == list(range(len(own.columns)))
    monkeypatch.setattr(gnn.search, "_SHORTLIST", 6)
    found = search(planted.problem, current, candidates)
    torch.testing.assert_close(found.columns[own.edges], planted.columns[own.edges])


def test_of_columns_that_explain_alike_thrift_takes_the_one_of_small_integers() -> None:
    # With one function for both magnitudes, A -> B is 2 A -> 2 B at twice the rate constant.
    planted = plant(((-1, 0), (1, -1), (0, 1)), alike=True)
    twos = planted.fit(2 * planted.columns)
    thrifty = search(planted.problem, twos, planted.candidates(), thrift=0.1)
    torch.testing.assert_close(thrifty.columns, planted.columns)
    assert search(planted.problem, twos, planted.candidates()).gain.tolist() == [0.0, 0.0]


def test_thrift_counts_the_mean_magnitude_of_what_is_there() -> None:
    columns = torch.tensor([[-1.0, 1.0, 0.0], [-2.0, 1.0, 0.0], [-2.0, 2.0, 2.0]])
    assert _magnitude(columns).tolist() == [1.0, 1.5, 2.0]


def test_the_surest_changes_are_those_of_the_reactions_that_gain_most() -> None:
    planted = plant()
    current = planted.fit()
    changes = Changes(current.columns + 1, torch.tensor([0.0, 3.0, 1.0, 0.0, 2.0, 0.0], dtype=torch.float64))
    surest = changes.surest(planted.problem, current, 2)
    changed = planted.problem.graph.rxn_all[surest != current.columns]
    assert set(changed.tolist()) == {1, 4}
    torch.testing.assert_close(surest[planted.edges_of(1)], current.columns[planted.edges_of(1)] + 1)


def test_the_highest_of_equal_values_are_the_first() -> None:
    values = torch.tensor([1.0, 5.0, 3.0, 3.0])
    assert highest(values, 0).tolist() == [False] * 4
    assert highest(values, 2).tolist() == [False, True, True, False]

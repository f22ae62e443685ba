from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import Tensor

import gnn.integers
from gnn.columns import Candidates
from gnn.integers import System, _better_columns, _near, _same_consumption, settle, system_of
from gnn.projection import Fit, Problem
from gnn.recovered import recovered
from tests.planted import Planted, plant

# A -> B, A -> C, B + C -> 2 D: the first two have the same rate.
TWINS = (
    (-1, -1, 0),
    (1, 0, -1),
    (0, 1, -1),
    (0, 0, 2),
)


def explained(planted: Planted, rates: Tensor, columns: Tensor) -> float:
    """Share of dc/dt, in units of each metabolite, that the best rate constants explain, by dense least squares."""
    problem = planted.problem
    scaled = problem.matrix(columns / problem.scale[problem.graph.met_all])
    features = (scaled.unsqueeze(-1) * rates).permute(0, 2, 1).flatten(0, 1)
    target = problem.dcdt.flatten()
    features = features[:, features.abs().sum(0) > 0]
    solution = torch.linalg.lstsq(features, target.unsqueeze(-1)).solution[:, 0]
    return float(target.square().mean() - (target - features @ solution).square().mean())


def test_the_system_gives_the_rate_constants_of_the_fit() -> None:
    planted = plant(noise=0.2)
    current = planted.fit()
    system = system_of(planted.problem, current, planted.columns)
    expected = recovered(planted.problem, current).log_k
    torch.testing.assert_close((system.constant / current.norm).log10(), expected, atol=1e-6, rtol=0)
    rates, frames = current.rates, current.rates.shape[1]
    torch.testing.assert_close(system.overlap, rates @ rates.T / frames)
    torch.testing.assert_close(system.target, planted.problem.dcdt @ rates.T / frames)


def test_the_system_bears_with_reactions_that_have_no_column() -> None:
    planted = plant()
    system = system_of(planted.problem, planted.fit(), planted.without(1, 4))
    assert bool(system.inverse.isfinite().all())
    assert system.constant[[1, 4]].tolist() == [0.0, 0.0]


def test_around_reactions_the_others_are_as_if_those_were_not_there() -> None:
    planted = plant(noise=0.2)
    current = planted.fit()
    taken = torch.tensor([0, 4])
    metabolite = planted.problem.graph.met_all[torch.isin(planted.problem.graph.rxn_all, taken)]
    others, inverse, constant = system_of(planted.problem, current, planted.columns).around(metabolite, taken)
    alone = system_of(planted.problem, current, planted.without(0, 4))
    assert others.tolist() == [1, 2, 3, 5]
    torch.testing.assert_close(inverse, alone.inverse[others][:, others])
    torch.testing.assert_close(constant, alone.constant[others])


def test_around_a_metabolite_only_reactions_that_touch_it_are_looked_at() -> None:
    planted = plant()
    system = system_of(planted.problem, planted.fit(), planted.columns)
    others, _, _ = system.around(torch.tensor([3]), torch.tensor([1]))  # D, of B + C -> 2 D
    assert others.tolist() == [2]


def options_of(planted: Planted, reactions: Sequence[int]) -> tuple[list[Candidates], list[Tensor]]:
    own = [planted.candidates()[reaction] for reaction in reactions]
    return own, [_same_consumption(one, planted.columns[one.edges]) for one in own]


def test_only_columns_that_consume_the_same_are_options() -> None:
    planted = plant(balanced=False)
    (own,), (options,) = options_of(planted, [4])  # A + C <- 2 F, with edges of A, C and F
    assert own.columns.shape[0] == 8
    assert sorted(options.tolist()) == [[1, 1, -2], [1, 2, -2], [2, 1, -2], [2, 2, -2]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reactions", [[4], [0], [2, 5], [0, 1, 4]], ids=str)
def test_the_best_columns_are_those_that_explain_most_with_all_rate_constants_refitted(
    reactions: list[int], seed: int
) -> None:
    planted = plant(balanced=False, noise=0.5, seed=seed)
    current = planted.fit()
    own, options = options_of(planted, reactions)
    shares = {}
    for chosen in product(*(map(tuple, option.tolist()) for option in options)):
        columns = planted.columns.clone()
        for one, column in zip(own, chosen, strict=True):
            columns[one.edges] = torch.tensor(column).double()
        shares[tuple(columns.tolist())] = explained(planted, current.rates, columns)
    system = system_of(planted.problem, current, planted.columns)
    found = _better_columns(planted.problem, current, system, planted.columns, own, options)
    best = max(shares, key=lambda columns: shares[columns])
    assert tuple((planted.columns if found is None else found).tolist()) == best


def test_a_rate_constant_that_would_be_negative_counts_for_nothing() -> None:
    # dc/dt turned round: every positive rate constant explains less than none.
    planted = plant(balanced=False)
    current = planted.fit()
    turned = replace(planted.problem, dcdt=-planted.problem.dcdt)
    own, options = options_of(planted, [4])
    system = system_of(turned, current, planted.columns)
    assert _better_columns(turned, current, system, planted.columns, own, options) is None


def test_too_many_combinations_are_not_tried_and_none_are_no_better(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(balanced=False)
    wrong = planted.columns.clone()
    wrong[planted.edges_of(4)[0]] = 2.0
    current = planted.fit(wrong)
    own, options = options_of(planted, [4])
    system = system_of(planted.problem, current, wrong)
    found = _better_columns(planted.problem, current, system, wrong, own, options)
    torch.testing.assert_close(found, planted.columns)
    assert _better_columns(planted.problem, current, system, wrong, own, [options[0][:0]]) is None
    monkeypatch.setattr(gnn.integers, "_COMBINATIONS", 3)
    assert _better_columns(planted.problem, current, system, wrong, own, options) is None


@pytest.mark.parametrize("reactions", [[2], [4], [2, 4]], ids=str)
def test_wrong_amounts_of_products_are_settled(reactions: list[int]) -> None:
    planted = plant(balanced=False)
    wrong = planted.columns.clone()
    for reaction in reactions:
        edges = planted.edges_of(reaction)
        wrong[edges[planted.columns[edges] > 0][0]] = 2.0
    settled = settle(planted.problem, planted.fit(wrong), planted.candidates())
    torch.testing.assert_close(settled, planted.columns)


def test_many_wrong_amounts_take_several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(balanced=False, seed=7)
    produced = planted.columns > 0
    chosen = produced & (torch.rand(len(produced), generator=torch.Generator().manual_seed(7)) < 0.6)
    start = planted.fit(torch.where(chosen, 3.0 - planted.columns, planted.columns))  # 1 for 2, and 2 for 1
    torch.testing.assert_close(settle(planted.problem, start, planted.candidates()), planted.columns)
    monkeypatch.setattr(gnn.integers, "_ROUNDS", 2)
    assert not torch.equal(settle(planted.problem, start, planted.candidates()), planted.columns)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_within_a_round_each_column_is_judged_beside_those_that_were_just_settled(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = plant(balanced=False, seed=seed)
    wrong = planted.columns.clone()
    for reaction in (1, 4):
        edges = planted.edges_of(reaction)
        first = edges[planted.columns[edges] > 0][0]
        wrong[first] = 3.0 - wrong[first]  # 1 for 2, and 2 for 1
    monkeypatch.setattr(gnn.integers, "_ROUNDS", 1)
    settled = settle(planted.problem, planted.fit(wrong), planted.candidates())
    torch.testing.assert_close(settled, planted.columns)


def test_a_round_without_a_change_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(balanced=False)
    solved: list[Tensor] = []

    def counting(problem: Problem, current: Fit, integers: Tensor) -> System:
        solved.append(integers)
        return system_of(problem, current, integers)

    monkeypatch.setattr(gnn.integers, "system_of", counting)
    settle(planted.problem, planted.fit(), planted.candidates())
    assert len(solved) == 1


def test_what_is_right_stays() -> None:
    planted = plant(balanced=False)
    current = planted.fit()
    assert settle(planted.problem, current, planted.candidates()) is current.columns


def nearly_twins(closeness: float) -> tuple[Planted, Fit]:
    """A -> B and A -> C with rates that differ by a part of their variation only, and shown edges to both products."""
    planted = plant(TWINS, absent=[(2, 0), (1, 1)])
    current = planted.fit()
    generator = torch.Generator().manual_seed(3)
    rates = current.rates.clone()
    wobble = torch.randn(rates.shape[1], generator=generator, dtype=torch.float64)
    rates[1] = rates[0] * (1 + closeness * wobble)
    s = planted.problem.matrix(planted.columns / planted.problem.scale[planted.problem.graph.met_all])
    dcdt = s @ (torch.tensor([1.0, 1.0, 0.5], dtype=torch.float64).unsqueeze(-1) * rates)
    return replace(planted, problem=replace(planted.problem, dcdt=dcdt)), replace(current, rates=rates)


def test_reactions_of_nearly_the_same_course_that_share_a_metabolite_belong_together() -> None:
    planted, current = nearly_twins(1e-2)
    assert _near(planted.problem, current) == [(0, 1)]
    assert _near(planted.problem, nearly_twins(1.0)[1]) == []
    # A rate that falls as the other rises, about another mean: the same course.
    mirrored = current.rates.clone()
    mirrored[1] = 5.0 - mirrored[0]
    assert _near(planted.problem, replace(current, rates=mirrored)) == [(0, 1)]


def test_no_metabolite_in_common_nothing_to_judge_together() -> None:
    planted = plant(((-1, 0), (1, 0), (0, -1), (0, 1)))
    current = planted.fit()
    same = replace(current, rates=current.rates[[0, 0]])
    assert _near(planted.problem, same) == []


def test_pairs_come_before_groups_and_large_groups_do_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = plant(((-1, -1, -1, -1), (1, 1, 1, 1)))
    current = planted.fit()
    three = replace(current, rates=torch.cat([current.rates[[0, 0, 0]], current.rates[[0]].flip(1)]))
    assert _near(planted.problem, three) == [(0, 1), (0, 2), (1, 2), (0, 1, 2)]
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert _near(planted.problem, replace(current, rates=current.rates[[0, 0, 0, 0]])) == pairs


def test_columns_that_make_up_for_each_other_are_settled_together() -> None:
    # Exchanged, A -> C and A -> B leave little of dc/dt unexplained, and neither is better changed alone.
    planted, current = nearly_twins(1e-2)
    exchanged = planted.columns.clone()
    for reaction in (0, 1):
        exchanged[planted.edges_of(reaction)] = planted.columns[planted.edges_of(reaction)][[0, 2, 1]]
    candidates = planted.candidates()
    settled = settle(planted.problem, replace(current, columns=exchanged), candidates)
    torch.testing.assert_close(settled, planted.columns)

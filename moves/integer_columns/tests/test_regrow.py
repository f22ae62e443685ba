from dataclasses import replace

import torch

from gnn.polish import polish
from gnn.regrow import _doubtful, regrown
from tests.planted import clock, plant


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_patience_nothing_is_regrown() -> None:
    planted = plant()
    start = planted.fit(planted.without(0))
    assert regrown(planted.problem, start, planted.candidates(), 0, seeded(0), clock()) is start


def test_a_local_minimum_is_left() -> None:
    planted = plant(roles_told=False, seed=3)
    wrong = planted.columns.clone()
    for reaction in (1, 3, 5):
        wrong[planted.edges_of(reaction)] *= -1
    start = polish(planted.problem, planted.fit(wrong), planted.candidates(), clock())
    assert not torch.equal(start.columns, planted.columns)
    found = regrown(planted.problem, start, planted.candidates(), 2, seeded(0), clock())
    torch.testing.assert_close(found.columns, planted.columns)


def test_the_answer_is_never_worse_and_ends_after_as_many_tries_as_there_is_patience() -> None:
    planted = plant(noise=0.5)
    start = polish(planted.problem, planted.fit(), planted.candidates(), clock())
    state = seeded(0)
    found = regrown(planted.problem, start, planted.candidates(), 2, state, clock())
    assert found.mse <= start.mse
    expected = seeded(0)
    for _ in range(2):  # tries, each of which draws once for every reaction
        torch.randn(6, generator=expected, dtype=torch.float64)
    torch.testing.assert_close(state.get_state(), expected.get_state())


def test_those_are_forgotten_whose_metabolites_are_explained_worst() -> None:
    planted = plant()
    exact = planted.fit()
    unexplained = torch.zeros_like(exact.residual)
    unexplained[3] = 1.0  # D, of B + C -> 2 D and 2 D -> E + F
    current = replace(exact, residual=unexplained)
    assert torch.nonzero(_doubtful(planted.problem, current, seeded(0)))[:, 0].tolist() in ([1], [2])
    chosen = {int(_doubtful(planted.problem, current, seeded(seed)).int().argmax()) for seed in range(20)}
    assert chosen == {1, 2}


def test_the_doubt_is_that_of_the_mean_metabolite_of_a_reaction_times_luck() -> None:
    # A -> B, A + B -> C + D, B -> C, C -> D: A is one of two metabolites of the first, and one of four of the second.
    planted = plant(((-1, -1, 0, 0), (1, -1, -1, 0), (0, 1, 1, -1), (0, 1, 0, 1)))
    exact = planted.fit()
    unexplained = torch.zeros_like(exact.residual)
    unexplained[0] = 1.0
    current, found = replace(exact, residual=unexplained), []
    for seed in range(20):
        doubt = torch.tensor([1 / 2, 1 / 4, 0, 0]) * torch.randn(4, generator=seeded(seed), dtype=torch.float64).exp()
        found.append(_doubtful(planted.problem, current, seeded(seed)).tolist())  # 30 % of four: one
        assert found[-1] == [place == int(doubt.argmax()) for place in range(4)]
    assert [True, False, False, False] in found
    assert [False, True, False, False] in found

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from gnn.columns import columns_of
from gnn.design import design_of, rows_of
from gnn.features import wide_features
from gnn.laws import Saturations, participants_of
from gnn.observations import Observations
from gnn.search import OPEN, Search
from gnn.system import Price, price
from tests.networks import observed, truth

OBSERVATIONS = observed(derivative=True)


def search_of(
    chosen: list[int], features: int = 4, dispersion: float = 1.0, observations: Observations = OBSERVATIONS
) -> Search:
    """A search on the small network, with these choices."""
    rng, rows, graph = np.random.default_rng(0), rows_of(observations, 0.1), observations.graph
    tables = Saturations(rows.logs, rng)
    own = [participants_of(OBSERVATIONS, j) for j in range(graph.n_reactions)]
    wide = [wide_features(tables, one, features, 1e-8, rng) for one in own]
    options = columns_of(graph, OBSERVATIONS.constraints, OBSERVATIONS.stated)
    return Search(design_of(rows, wide), graph, options, np.array(chosen), dispersion)


@pytest.mark.parametrize("others", [0, OPEN], ids=["decided", "open"])
def test_evidence_is_that_of_the_whole_system_solved_anew(others: int) -> None:
    search = search_of([0, others, others, others, others])
    system = search.system
    asked = price(system, 0, search.metabolites[0]).evidence(search.units[0])
    noise, variance = system.noise, system.variance.clone()
    whole = []
    for choice in (0, 1):
        search.chosen[0] = choice
        system.noise, system.variance, system.solved = noise, variance, False  # nothing is learned in between
        search.solve()
        sign, log_det = torch.linalg.slogdet(system.inverse)
        assert sign > 0
        ridge = float(
            (noise / (variance[system.reactions[system.unit]] * system.normal.power[system.place])).log().sum()
        )
        whole.append(-system.penalised / noise + float(log_det) + ridge)
    assert float(asked[1] - asked[0]) == pytest.approx(whole[1] - whole[0], rel=1e-4)


def test_the_evidence_is_the_marginal_likelihood_of_the_targets() -> None:
    search = search_of([0] * 5)
    system, target = search.system, search.design.rows.target
    size, noise = target.size, system.noise
    weights = np.concatenate(
        [
            np.kron(own, column.numpy()[:, None])
            for own, column in zip(search.design.features, system.columns, strict=True)
        ],
        axis=1,
    )
    prior = noise / system.ridge.numpy()
    covariance = noise * np.eye(size) + (weights * prior) @ weights.T
    _, log_det = np.linalg.slogdet(covariance)
    expected = -log_det - target.ravel() @ np.linalg.solve(covariance, target.ravel())
    assert system.evidence == pytest.approx(expected, rel=1e-6)


def test_columns_that_are_wrong_together_are_revised() -> None:
    search = search_of([OPEN] * 5, features=8)
    search.decide(lambda: None)
    search.settle(lambda: None)
    right = search.chosen.copy()
    search.chosen[:3] = [
        (choice + 1) % len(options) for choice, options in zip(right[:3], search.options, strict=False)
    ]
    search.solve(2)
    search.judge(range(5))
    search.margins = {reaction: np.array([0.0, -1.0]) for reaction in range(5)}  # all are doubted
    search.revise(lambda: None)
    assert search.chosen.tolist() == right.tolist()


def test_other_choices_for_all_reactions_are_taken_if_they_are_better() -> None:
    search = search_of([OPEN] * 5, features=8)
    search.decide(lambda: None)
    right = search.chosen.copy()
    wrong = np.array([(choice + 1) % len(options) for choice, options in zip(right, search.options, strict=True)])
    assert search.challenged(wrong).tolist() == wrong.tolist()
    assert search.chosen.tolist() == right.tolist()
    search.chosen = wrong.copy()
    search.solve(2)
    assert search.challenged(right).tolist() == wrong.tolist()
    assert search.chosen.tolist() == right.tolist()


class Fickle(Search):
    """A search to which, whatever is chosen, the other column seems better."""

    def judge(self, reactions: Iterable[int]) -> None:
        for reaction in reactions:
            self.margins[reaction] = np.where(
                np.arange(len(self.options[reaction])) == self.chosen[reaction], -2.0, 0.0
            )


def test_columns_that_go_to_and_fro_come_to_rest() -> None:
    search = search_of([0] * 5)
    fickle = Fickle(search.design, search.graph, search.options, search.chosen)
    rounds: list[int] = []
    fickle.settle(lambda: rounds.append(1))
    assert len(rounds) < 30


def test_an_open_reaction_explains_at_least_as_much_as_any_column() -> None:
    left = {choice: search_of([choice, 0, 0, 0, 0]).system.penalised for choice in (OPEN, 0, 1)}
    assert left[OPEN] <= min(left[0], left[1]) + 1e-9


def test_the_search_finds_the_planted_columns() -> None:
    search = search_of([OPEN] * 5, features=8)
    search.decide(lambda: None)
    search.settle(lambda: None)
    assert search.integers.tolist() == truth(OBSERVATIONS.graph).tolist()


def test_rounding_errors_that_make_a_matrix_indefinite_end_no_recovery() -> None:
    metric = torch.diag(torch.tensor([1.0, -1e-8], dtype=torch.float64)).view(1, 1, 2, 2)
    doubtful = Price(metric, torch.ones(1, 2, dtype=torch.float64), torch.full((2,), 1e-12, dtype=torch.float64), 1.0)
    assert doubtful.evidence(torch.ones(1, 1, dtype=torch.float64)).isfinite().all()


def test_where_few_rows_count_a_set_with_a_wrong_column_is_not_taken_over_and_the_right_one_is() -> None:
    """With a noise of its own, each wrong set would win here: its rates take fewer weights."""
    options, whole = search_of([0] * 5).options, truth(OBSERVATIONS.graph)
    right = [
        columns.tolist().index(whole[OBSERVATIONS.graph.edges_of(reaction)].tolist())
        for reaction, columns in enumerate(options)
    ]
    for reaction, columns in enumerate(options):
        wrong = right.copy()
        wrong[reaction] = (right[reaction] + 1) % len(columns)
        for own, rival in ((right, wrong), (wrong, right)):
            search = search_of(own, features=8, dispersion=60.0)
            search.challenged(np.array(rival))
            assert search.chosen.tolist() == right

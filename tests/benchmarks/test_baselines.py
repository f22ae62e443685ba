import math
from dataclasses import replace

import numpy as np
import pytest

from agent.analyzer.scoring.uninformed import baseline
from benchmarks.answers import balance, derivative, judge, ones, oracle, stoichiometry_from_rates
from benchmarks.baselines import answers
from benchmarks.sindy import NotApplicableError, mass_action_terms
from simulator.dataset import Dataset
from simulator.integration import Trajectory
from simulator.network import graph_of


def test_the_oracle_recovers_everything_from_exact_rates(tiny: Dataset) -> None:
    scores = oracle(tiny)
    assert scores["exact"] == scores["exact_identifiable"] == scores["exact_reactions"] == 1.0
    assert scores["r2"] == pytest.approx(1.0)


def test_the_oracle_finds_what_is_absent_and_what_is_a_substrate(veiled: Dataset) -> None:
    scores = oracle(veiled)
    assert scores["exact_identifiable"] == 1.0
    assert scores["exact"] > 0.9


def test_the_oracle_uses_balance_where_rates_leave_a_direction_open(tiny: Dataset) -> None:
    graph, sto_all = tiny.truth.graph, tiny.truth.sto_all
    one_frame = np.random.default_rng(0).uniform(0.1, 1.0, (1, graph.n_reactions))
    found = stoichiometry_from_rates(graph, one_frame, one_frame @ graph.matrix(sto_all).T, mass_balanced=True)
    assert np.bincount(graph.rxn_all, found) == pytest.approx(0.0, abs=1e-9)
    assert not np.allclose(found, sto_all)


def test_a_derivative_that_is_not_given_is_that_of_a_smooth_curve(tiny: Dataset) -> None:
    given = tiny.observed[0]
    hidden = replace(given, dcdt=np.full_like(given.dcdt, np.nan))
    assert derivative(given) is given.dcdt
    error = np.sqrt(np.mean((derivative(hidden) - given.dcdt) ** 2) / np.mean(given.dcdt**2))
    assert 0.0 < error < 0.02


def test_times_that_differ_by_many_orders_of_magnitude_have_a_derivative_too() -> None:
    time = np.concatenate([[0.0], np.logspace(-9, 5, 39)])
    concentration = np.exp(-time / 1000.0)[:, None]
    stiff = Trajectory(time, concentration, np.full_like(concentration, np.nan), np.zeros((40, 0)))
    slope = derivative(stiff)
    assert slope.shape == (40, 1)
    assert (slope[:-1] < 0.0).all()


def test_ones_are_the_baseline_of_the_scorer(tiny: Dataset) -> None:
    scores = ones(tiny)
    assert scores["exact"] == scores["baseline_exact"] < 1.0
    assert (scores["skill"], scores["recall_2"], scores["sign_accuracy"]) == (0.0, 0.0, 1.0)


def test_balance_alone_tells_more_than_ones(tiny: Dataset) -> None:
    assert ones(tiny)["exact"] < balance(tiny)["exact"] < 1.0


def test_integers_are_judged_as_they_are_and_real_coefficients_decoded(tiny: Dataset) -> None:
    answer = baseline(tiny.truth.graph)
    assert judge(tiny, answer.astype(float), answer)["exact"] != judge(tiny, answer.astype(float))["exact"]


def test_mass_action_declines_a_reaction_of_too_many_substrates() -> None:
    two, seven = (np.array([[-1]] * substrates + [[1]]) for substrates in (2, 7))
    one_way = np.array([False])
    terms, owner = mass_action_terms(graph_of(two), np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), one_way)
    assert (terms.shape, owner.tolist()) == ((2, 4), [0, 0, 0, 0])
    with pytest.raises(NotApplicableError, match="7 substrates"):
        mass_action_terms(graph_of(seven), np.ones((2, 8)), one_way)


def test_a_reversible_reaction_has_terms_of_its_products_too() -> None:
    terms, owner = mass_action_terms(graph_of(np.array([[-1], [1]])), np.array([[2.0, 3.0]]), np.array([True]))
    assert terms.tolist() == [[2.0, 4.0, 3.0, 9.0]]
    assert owner.tolist() == [0, 0, 0, 0]


def test_sparse_regression_gives_finite_scores(tiny: Dataset) -> None:
    pytest.importorskip("pysindy")
    found = answers(tiny)
    for name in ("sindy", "sindy_signed"):
        scores = found[name].scores
        assert scores is not None
        assert all(math.isfinite(value) for value in scores.values())
        assert 0.0 < scores["exact"] < 1.0
    assert found["oracle"].note.startswith("ORACLE")

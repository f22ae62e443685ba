import math
from dataclasses import replace

import numpy as np
import pytest

from agent.analyzer.scoring.dynamics import EstimatedDynamics
from agent.analyzer.scoring.estimate import Confidence
from agent.analyzer.scoring.score import (
    confidence_scores,
    edge_scores,
    exact_reactions,
    r2,
    score,
    support_f1,
)
from agent.analyzer.scoring.uninformed import baseline
from simulator.dataset import Dataset, Truth
from simulator.identifiability.facts import Identifiable
from simulator.network import graph_of
from tests.agent.analyzer.scoring.estimates import true_estimate
from tests.conftest import shared_functions

DESIGN_PAGE = {
    *("exact", "exact_reactions", "baseline_exact", "skill", "recall_2", "r2", "r2_aligned", "sign_accuracy"),
    *("support_f1", "log_k_r2_aligned", "substrate_func_r2_aligned", "rate_func_r2_aligned"),
    *("test_r2", "test_pearson", "degeneracy_gap", "blind"),
}
OVER_EDGES = ("exact", "baseline_exact", "skill", "recall_2", "r2", "r2_aligned", "sign_accuracy", "support_f1")


def test_the_truth_scores_perfectly(tiny: Dataset) -> None:
    scores = score(true_estimate(tiny), tiny)
    for name in ("exact", "exact_reactions", "skill", "recall_2", "r2", "r2_aligned", "sign_accuracy", "support_f1"):
        assert scores[name] == 1.0, name
    for name in ("log_k_r2_aligned", "substrate_func_r2_aligned", "rate_func_r2_aligned", "test_r2", "test_pearson"):
        assert scores[name] == pytest.approx(1.0, abs=1e-3), name
    assert scores["degeneracy_gap"] == pytest.approx(0.0, abs=1e-3)
    assert scores["blind_dcdt_error"] < 1e-3
    assert (scores["blind_integer_distance"], scores["blind_mass_imbalance"]) == (0.0, 0.0)
    assert scores["blind"] == pytest.approx(1.0, abs=1e-3)


def test_the_truth_scores_perfectly_whatever_is_hidden(veiled: Dataset) -> None:
    scores = score(true_estimate(veiled), veiled)
    for name in OVER_EDGES:
        if name != "baseline_exact":
            assert scores[name] == scores[f"{name}_identifiable"] == 1.0, name
    for name in ("exact_reactions", "log_k_r2_aligned", "substrate_func_r2_aligned", "test_pearson", "blind"):
        assert scores[name] == pytest.approx(1.0, abs=1e-3), name
    nothing = score(true_estimate(veiled, sto_all=np.zeros(len(veiled.truth.sto_all))), veiled)
    assert set(nothing) == set(scores)
    assert all(math.isfinite(value) for value in nothing.values())


def test_of_the_coefficients_that_an_estimate_calls_sure_the_share_of_right_ones_is_told(tiny: Dataset) -> None:
    """Four coefficients have a runner-up; two of three sure ones are right. Forced ones, though sure, do not count.

    Nor does a probability that no data stand behind make a coefficient sure.
    """
    truth = tiny.truth.sto_all
    edges = len(truth)
    probability, runner_up, price = np.ones(edges), np.zeros(edges), np.zeros(edges)
    probability[:4], runner_up[:4], price[:4] = [0.99, 0.95, 0.9, 0.6], 3, 0.1
    estimate = replace(true_estimate(tiny), confidence=Confidence(probability, runner_up, price))
    scores = score(estimate, tiny)
    assert (scores["sure"], scores["sure_right"]) == (0.75, 1.0)
    right = np.arange(edges) != 1
    assert confidence_scores(estimate.confidence, right) == {"sure": 0.75, "sure_right": pytest.approx(2 / 3)}
    doubtful = replace(estimate, confidence=Confidence(np.full(edges, 0.5), runner_up, price))
    assert "sure_right" not in score(doubtful, tiny)
    silent = replace(estimate, confidence=Confidence(probability, runner_up, np.zeros(edges)))
    assert score(silent, tiny)["sure"] == 0.0


def test_scores_over_candidates_by_hand(tiny: Dataset) -> None:
    """2 A -> B + C, shown with a decoy D on either side: what is absent counts in `exact`, but it has no sign."""
    matrix = np.array([[-2], [1], [1], [0], [0]])
    shown = graph_of(np.array([[-1], [1], [1], [-1], [1]]))
    truth = Truth(shown, matrix[:, 0], tiny.truth.law)
    everything = np.ones(5, dtype=bool)
    assert baseline(truth.graph).tolist() == [-1, 1, 1, -1, 1]
    decoded = np.array([-2, 1, 0, 0, 1])  # B for C's place: one edge missed, one invented
    scores = edge_scores(decoded.astype(float), decoded, truth, everything)
    assert (scores["exact"], scores["baseline_exact"]) == (0.6, 0.4)
    assert scores["skill"] == pytest.approx((0.6 - 0.4) / (1.0 - 0.4))
    assert scores["recall_2"] == 1.0
    assert scores["sign_accuracy"] == pytest.approx(2 / 3)
    assert scores["support_f1"] == pytest.approx(2 / 3)
    untold = Truth(replace(shown, role=np.zeros(5, dtype=np.int8)), matrix[:, 0], tiny.truth.law)
    assert baseline(untold.graph).tolist() == [1, 1, 1, 1, 1]
    assert edge_scores(decoded.astype(float), decoded, untold, everything)["baseline_exact"] == 0.4


def test_who_speaks_to_a_reaction_in_an_estimate(tiny: Dataset) -> None:
    """A told substrate unless it is absent, whatever its sign; an edge without a role if it is negative."""
    graph = graph_of(np.array([[-1], [-1], [-1], [1]]))
    estimate = true_estimate(tiny, sto_all=np.array([-1.0, 0.0, 0.5, -1.0]))
    assert EstimatedDynamics(graph, estimate).substrates.tolist() == [0, 2]
    untold = replace(graph, role=np.zeros(4, dtype=np.int8))
    assert EstimatedDynamics(untold, estimate).substrates.tolist() == [0, 3]


def test_every_score_of_the_design_is_there_and_finite(tiny: Dataset) -> None:
    scores = score(true_estimate(tiny, sto_all=np.zeros(len(tiny.truth.sto_all))), tiny)
    assert set(scores) >= DESIGN_PAGE
    assert {f"{name}_identifiable" for name in OVER_EDGES} <= set(scores)
    assert all(math.isfinite(value) for value in scores.values())


def test_the_trivial_answer_by_hand(tiny: Dataset) -> None:
    """Two reactions, A -> B and 2 A -> B + C: the signs of the graph are right, one 2 of five is missed."""
    matrix = np.array([[-1, -2], [1, 1], [0, 1]])
    graph = graph_of(matrix)
    truth = Truth(graph, matrix[graph.met_all, graph.rxn_all], tiny.truth.law)
    assert baseline(truth.graph).tolist() == [-1, 1, -1, 1, 1]
    everything = np.ones(5, dtype=bool)
    scores = edge_scores(baseline(truth.graph).astype(float), baseline(truth.graph), truth, everything)
    assert (scores["exact"], scores["baseline_exact"], scores["skill"]) == (0.8, 0.8, 0.0)
    assert (scores["recall_2"], scores["sign_accuracy"]) == (0.0, 1.0)
    # y = x: squared error 1, of a spread of 8 around the mean of 0.
    assert scores["r2"] == pytest.approx(1.0 - 1.0 / 8.0)


def test_scores_over_some_edges_ignore_the_others(tiny: Dataset) -> None:
    truth = tiny.truth
    half = np.arange(len(truth.sto_all)) % 2 == 0
    decoded = np.where(half, truth.sto_all, -truth.sto_all)
    right, wrong, all_of_them = (
        edge_scores(decoded.astype(float), decoded, truth, mask) for mask in (half, ~half, half | ~half)
    )
    assert (right["exact"], right["sign_accuracy"], right["r2"], right["recall_2"]) == (1.0, 1.0, 1.0, 1.0)
    assert (wrong["exact"], wrong["sign_accuracy"], wrong["recall_2"]) == (0.0, 0.0, 0.0)
    assert all_of_them["exact"] == 0.5
    nothing = edge_scores(decoded.astype(float), decoded, truth, np.zeros(len(half), dtype=bool))
    assert nothing["exact"] == nothing["skill"] == nothing["r2"] == 0.0


def test_the_identifiable_scores_use_what_the_data_determine(tiny: Dataset) -> None:
    """A dataset that says only reaction 0 is identifiable, and an estimate that has only that one wrong."""
    truth = tiny.truth
    first = truth.graph.rxn_all == 0
    blinkered = replace(tiny)
    vars(blinkered)["identifiability"] = Identifiable(first, first)
    sto = np.where(first, -truth.sto_all, truth.sto_all).astype(float)
    scores = score(true_estimate(tiny, sto_all=sto), blinkered)
    assert scores["exact_identifiable"] == 0.0
    assert scores["exact"] == pytest.approx(1.0 - first.mean())


def test_blind_scores_by_hand(tiny: Dataset) -> None:
    truth = tiny.truth
    # Every coefficient 1.1 times too large: directions are integers still, dc/dt is 10 % off, columns balance.
    scores = score(true_estimate(tiny, sto_all=1.1 * truth.sto_all, log_k=shared_functions(tiny).log_k), tiny)
    assert scores["blind_integer_distance"] == pytest.approx(0.0, abs=1e-9)
    assert scores["blind_mass_imbalance"] == pytest.approx(0.0, abs=1e-9)
    # Products only, 10 % too large: a reaction of n products of length |p| is out of balance by 0.1 sum(p).
    products = truth.sto_all > 0
    lopsided = truth.sto_all * np.where(products, 1.1, 1.0)
    sums = np.bincount(truth.graph.rxn_all, lopsided)
    expected = np.sqrt(np.sum(sums**2) / np.sum(lopsided**2))
    scores = score(true_estimate(tiny, sto_all=lopsided), tiny)
    assert scores["blind_mass_imbalance"] == pytest.approx(expected)
    assert 0.0 < scores["blind_integer_distance"] < 0.1
    assert scores["degeneracy_gap"] == pytest.approx(scores["test_pearson"] - scores["r2"])


def test_imbalance_counts_only_where_balance_is_stated(tiny: Dataset) -> None:
    """Half of every column's length missing on one side: out of balance, which an unbalanced regime allows."""
    network = tiny.regime.network.model_copy(update={"mass_balanced": False})
    unbalanced = replace(tiny, regime=tiny.regime.model_copy(update={"network": network}))
    lopsided = true_estimate(tiny, sto_all=tiny.truth.sto_all * np.where(tiny.truth.sto_all > 0, 1.5, 1.0))
    strict, free = score(lopsided, tiny), score(lopsided, unbalanced)
    assert strict["blind_mass_imbalance"] == free["blind_mass_imbalance"] > 0.1
    assert strict["blind"] < free["blind"]


def test_running_backwards_is_perfectly_wrong(tiny: Dataset) -> None:
    start = np.stack([trajectory.concentration[0] for trajectory in tiny.heldout])
    time = np.stack([trajectory.time for trajectory in tiny.heldout])
    forwards = EstimatedDynamics(tiny.truth.graph, true_estimate(tiny))
    backwards = EstimatedDynamics(tiny.truth.graph, true_estimate(tiny, sto_all=-tiny.truth.sto_all.astype(float)))
    np.testing.assert_allclose(backwards.derivative(start), -forwards.derivative(start))
    scores = score(true_estimate(tiny, sto_all=-tiny.truth.sto_all.astype(float)), tiny)
    assert scores["test_pearson"] < -0.5
    assert scores["degeneracy_gap"] == pytest.approx(scores["test_pearson"] - scores["r2"])
    assert backwards.rollout(start, time).shape == (len(start), time.shape[1], start.shape[1])


def test_one_wrong_reaction_costs_its_edges(tiny: Dataset) -> None:
    truth = tiny.truth
    sto = truth.sto_all.astype(float)
    wrong = truth.graph.rxn_all == 0
    sto[wrong] *= -1.0
    scores = score(true_estimate(tiny, sto_all=sto), tiny)
    share = wrong.sum() / len(sto)
    assert scores["exact"] == pytest.approx(1.0 - share)
    assert scores["sign_accuracy"] == pytest.approx(1.0 - share)
    assert scores["exact_reactions"] == pytest.approx(1.0 - 1.0 / truth.graph.n_reactions)
    trivial = scores["baseline_exact"]
    assert scores["skill"] == pytest.approx((scores["exact"] - trivial) / (1.0 - trivial))
    twos = np.abs(truth.sto_all) == 2
    assert scores["recall_2"] == pytest.approx(1.0 - (wrong & twos).sum() / twos.sum())


def test_alignment_removes_column_scales_and_nothing_but_them(tiny: Dataset) -> None:
    truth = tiny.truth
    scale = np.random.default_rng(0).uniform(0.5, 1.8, truth.graph.n_reactions)
    estimate = true_estimate(
        tiny, sto_all=truth.sto_all * scale[truth.graph.rxn_all], log_k=shared_functions(tiny).log_k - np.log10(scale)
    )
    scores = score(estimate, tiny)
    assert scores["r2_aligned"] == pytest.approx(1.0)
    assert scores["log_k_r2_aligned"] == pytest.approx(1.0)
    assert scores["r2"] < 0.95


def test_log_k_shifted_by_one_constant_aligns(tiny: Dataset) -> None:
    scores = score(true_estimate(tiny, log_k=shared_functions(tiny).log_k + 0.7), tiny)
    assert scores["log_k_r2_aligned"] == pytest.approx(1.0)
    assert scores["test_r2"] < 0.9


def test_affine_changes_of_the_functions_align(tiny: Dataset) -> None:
    perfect = true_estimate(tiny)
    # Every reaction's h is a sum over its substrates, so a factor on the messages is a factor on h.
    estimate = true_estimate(
        tiny,
        substrate_func=-2.0 * perfect.substrate_func,
        rate_func_h=-2.0 * perfect.rate_func_h[::-1],
        rate_func=perfect.rate_func[::-1],
    )
    scores = score(estimate, tiny)
    assert scores["substrate_func_r2_aligned"] == pytest.approx(1.0, abs=1e-3)
    assert scores["rate_func_r2_aligned"] == pytest.approx(1.0, abs=1e-3)
    assert scores["test_r2"] == pytest.approx(1.0, abs=1e-3)


def test_a_constant_rate_function_explains_nothing(tiny: Dataset) -> None:
    perfect = true_estimate(tiny)
    scores = score(true_estimate(tiny, rate_func=np.zeros_like(perfect.rate_func)), tiny)
    assert scores["rate_func_r2_aligned"] <= 0.0
    assert score(true_estimate(tiny, substrate_func=np.zeros_like(perfect.substrate_func)), tiny)[
        "substrate_func_r2_aligned"
    ] == pytest.approx(0.0, abs=1e-9)


def test_a_model_that_stands_still_gets_no_credit_for_where_it_started(tiny: Dataset) -> None:
    scores = score(true_estimate(tiny, log_k=np.full(tiny.truth.graph.n_reactions, -12.0)), tiny)
    assert scores["test_r2"] <= 1e-6
    assert scores["blind_dcdt_error"] == pytest.approx(1.0, abs=1e-3)


def test_rollouts_follow_the_held_out_trajectories(tiny: Dataset) -> None:
    dynamics = EstimatedDynamics(tiny.truth.graph, true_estimate(tiny))
    time = np.stack([trajectory.time for trajectory in tiny.heldout])
    true = np.stack([trajectory.concentration for trajectory in tiny.heldout])
    np.testing.assert_allclose(dynamics.rollout(true[:, 0], time), true, atol=2e-3)


def test_r2_against_y_equals_x() -> None:
    truth = np.array([1.0, -1.0, 2.0])
    assert r2(truth, truth) == 1.0
    assert r2(truth, np.full(3, truth.mean())) == 0.0
    assert r2(truth, 2.0 * truth) < 1.0


def test_exact_reactions_wants_every_edge() -> None:
    matrix = np.array([[-1, -2], [1, 2]])
    graph = graph_of(matrix)
    truth = matrix[graph.met_all, graph.rxn_all]
    assert exact_reactions(graph, np.array([-1, 1, -2, 1]), truth) == 0.5


def test_support_f1_by_hand() -> None:
    # One of two true edges found, one false edge claimed: precision 1/2, recall 1/2.
    assert support_f1(np.array([1, 0, 2, 0]), np.array([1, -1, 0, 0])) == 0.5

"""Every score of an estimate. The loop optimises `exact`, or `support` for measured data, whose S is unknown.

Scores over edges come twice: over all edges, and with the suffix `_identifiable` over those that the data
determine. Whatever uses the truth to align a scale carries `_aligned` in its name.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.alignment import align, column_scale
from agent.analyzer.scoring.decode import decode, reaction_edges
from agent.analyzer.scoring.dynamics import EstimatedDynamics, rollouts
from agent.analyzer.scoring.estimate import Confidence, Estimate, read_estimate
from agent.analyzer.scoring.support import confidence_in
from agent.analyzer.scoring.uninformed import baseline, uninformed
from simulator.dataset import Dataset, FrozenData, Truth
from simulator.kinetics import Floats
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import Graph, Ints

Scores = dict[str, float]

_UNINFORMED = dict[str, float]()  # by fingerprint of the dataset: the same for all estimates
_DOUBTFUL = 0.9  # of the support of an answer with a coefficient that is not sure


def score_artifact(path: Path, dataset: FrozenData) -> Scores:
    """Return all scores of the `estimate.npz` at `path`; raises `EstimateError` if it is invalid."""
    return score(read_estimate(path, dataset.graph), dataset)


def score(estimate: Estimate, dataset: FrozenData) -> Scores:
    """Return all scores, by name, each a finite number; of measured data those that need no truth."""
    decoded = decode(dataset.graph, estimate.sto_all, dataset.regime.constraints, dataset.stated_columns)
    dynamics = EstimatedDynamics(dataset.graph, estimate)
    unaided = _rollout_scores(dynamics, dataset) | _blind_scores(dynamics, decoded, dataset)
    if not isinstance(dataset, Dataset):
        trivial = support_score(baseline(dataset.graph), dataset)
        return unaided | {"support": support_score(decoded, dataset), "baseline_support": trivial}
    scores = coefficient_scores(estimate.sto_all, decoded, dataset)
    scores |= _function_scores(dynamics, dataset) | unaided
    scores |= confidence_scores(estimate.confidence, decoded == dataset.truth.sto_all)
    scores["degeneracy_gap"] = scores["test_pearson"] - scores["r2"]
    return scores


def coefficient_scores(sto_all: Floats, decoded: Ints, dataset: Dataset) -> Scores:
    """Return the scores over all edges, over the identifiable ones, and over whole reactions."""
    truth = dataset.truth
    scores = edge_scores(sto_all, decoded, truth, np.ones(len(decoded), dtype=bool))
    identifiable = edge_scores(sto_all, decoded, truth, dataset.identifiability.edges)
    scores |= {f"{name}_identifiable": value for name, value in identifiable.items()}
    return scores | {
        "uninformed_exact": _uninformed_exact(dataset),
        "exact_reactions": exact_reactions(truth.graph, decoded, truth.sto_all),
    }


def _uninformed_exact(dataset: Dataset) -> float:
    """Return the share of the coefficients that the best of the answers without any data has right."""
    key = dataset.manifest.fingerprint()
    if key not in _UNINFORMED:
        answers = uninformed(dataset.graph, dataset.regime.constraints, dataset.stated_columns)
        _UNINFORMED[key] = max(_share(answer == dataset.truth.sto_all) for answer in answers)
    return _UNINFORMED[key]


def r2(truth: Floats, estimate: Floats) -> float:
    """Coefficient of determination against y = x; 1 is perfect, 0 is as good as the mean of the truth.

    Of a truth that does not vary nothing can be explained: 0.
    """
    total = float(np.square(truth - truth.mean()).sum()) if truth.size else 0.0
    return 1.0 - float(np.square(truth - estimate).sum()) / total if total > 0 else 0.0


def exact_reactions(graph: Graph, decoded: Ints, truth: Ints) -> float:
    """Share of reactions of which every coefficient is right."""
    return float(np.mean([(decoded[edges] == truth[edges]).all() for edges in reaction_edges(graph)]))


def support_f1(decoded: Ints, truth: Ints) -> float:
    """F1 of the non-zero pattern over candidate edges; 1 where every candidate is an edge."""
    hits = np.sum((decoded != 0) & (truth != 0))
    return float(2.0 * hits / max(np.sum(decoded != 0) + np.sum(truth != 0), 1))


def edge_scores(sto_all: Floats, decoded: Ints, truth: Truth, edges: NDArray[np.bool_]) -> Scores:
    """The scores over the edges of a mask, shape (E,). No edges, nothing recovered: 0.

    Where edges may be absent, finding that one is absent counts as any coefficient does; it has no sign.
    """
    true = truth.sto_all[edges]
    scale = column_scale(truth.graph, sto_all, truth.sto_all)[truth.graph.rxn_all]
    exact = _share(decoded[edges] == true)
    trivial = _share(baseline(truth.graph)[edges] == true)
    twos, present = np.abs(true) == 2, true != 0
    return {
        "exact": exact,
        "baseline_exact": trivial,
        "skill": (exact - trivial) / (1.0 - trivial) if trivial < 1.0 else 0.0,
        "recall_2": _share(decoded[edges][twos] == true[twos]),
        "r2": r2(true.astype(float), sto_all[edges]),
        "r2_aligned": r2(true.astype(float), (sto_all / scale)[edges]),
        "sign_accuracy": _share(np.sign(decoded[edges][present]) == np.sign(true[present])),
        "support_f1": support_f1(decoded[edges], true),
    }


def confidence_scores(confidence: Confidence | None, right: NDArray[np.bool_]) -> Scores:
    """Return, of coefficients with a runner-up, the share called sure, and of these the share that is right."""
    if confidence is None or not confidence.contested.any():
        return {}
    sure = confidence.sure & confidence.contested
    scores = {"sure": _share(confidence.sure[confidence.contested])}
    return scores | {"sure_right": _share(right[sure])} if sure.any() else scores


def _share(hits: NDArray[np.bool_]) -> float:
    return float(np.mean(hits)) if hits.size else 0.0


def _function_scores(dynamics: EstimatedDynamics, dataset: Dataset) -> Scores:
    """Return the scores of log_k and both functions, after removing what the data cannot fix.

    They are none where each reaction has a rate law of its own, which an estimate cannot state.
    """
    if not isinstance(dataset.truth.law, SharedFunctions):
        return {}
    law = align(dynamics, dataset)
    return {
        "log_k_r2_aligned": r2(law.true_log_k, law.log_k),
        "substrate_func_r2_aligned": r2(law.true_message.ravel(), law.message.ravel()),
        "rate_func_r2_aligned": r2(law.true_rate, law.rate),
    }


def _rollout_scores(dynamics: EstimatedDynamics, dataset: FrozenData) -> Scores:
    """Rollouts from held-out initial conditions, scored on the change since the start.

    On concentrations themselves, predicting no change at all would look excellent: they differ mostly by
    where they began.
    """
    true, rolled = rollouts(dynamics, dataset)
    true_change, change = (x[:, 1:] - true[:, :1] for x in (true, rolled))
    spread = float(change.std() * true_change.std())
    covariance = float(np.mean((change - change.mean()) * (true_change - true_change.mean())))
    return {
        "test_r2": r2(true_change, change),
        "test_pearson": covariance / spread if spread > 0 else 0.0,
    }


def support_score(answer: Ints, dataset: FrozenData) -> float:
    """Return the support of an answer as a whole: the mean over the coefficients that are not stated; 1 if all are.

    While one of them is not sure, it is nine tenths of that. So an answer above 0.9 has no coefficient that the data
    leave open.
    """
    found, free = confidence_in(answer, dataset), dataset.stated_columns.known == 0
    if not free.any():
        return 1.0
    return float(found.probability[free].mean()) * (1.0 if found.sure[free].all() else _DOUBTFUL)


def _blind_scores(dynamics: EstimatedDynamics, decoded: Ints, dataset: FrozenData) -> Scores:
    """Scores that need no truth, only held-out observations and the estimate's own consistency.

    blind_dcdt_error: RMS error of held-out dc/dt over its RMS. blind_integer_distance: mean distance of the
    coefficients to their decoded integers after each column is brought to its integers' length.
    blind_mass_imbalance: RMS column sum over RMS column length. `blind` in [0, 1] is the product of what
    each leaves of 1; imbalance counts where the regime states mass balance.
    """
    graph, sto_all = dynamics.graph, dynamics.estimate.sto_all
    frames, dcdt = (
        np.concatenate([getattr(trajectory, name) for trajectory in dataset.heldout])
        for name in ("concentration", "dcdt")
    )
    residual = dynamics.derivative(frames) - dcdt
    error = float(np.sqrt(np.mean(residual**2) / np.mean(dcdt**2)))
    distance = float(np.mean(np.abs(sto_all / column_scale(graph, sto_all, decoded)[graph.rxn_all] - decoded)))
    sums = graph.matrix(sto_all).sum(axis=0)
    imbalance = float(np.sqrt(np.sum(sums**2) / max(np.sum(sto_all**2), 1e-300)))
    balance = max(0.0, 1.0 - imbalance) if dataset.regime.constraints.mass_balanced else 1.0
    return {
        "blind_dcdt_error": error,
        "blind_integer_distance": distance,
        "blind_mass_imbalance": imbalance,
        "blind": max(0.0, 1.0 - error) * max(0.0, 1.0 - distance) * balance,
    }

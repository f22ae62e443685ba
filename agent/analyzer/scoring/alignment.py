"""Alignment of an estimated rate law with the scales of the truth: for `_aligned` scores and for figures.

The data fix neither the length of a column of S against its rate constant, nor the unit of the message from a substrate
to its reaction. The comparison removes these free scales, with the help of the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.analyzer.scoring.dynamics import EstimatedDynamics
from simulator.dataset import Dataset
from simulator.kinetics import Floats
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import Graph, Ints

_FUNCTION_POINTS = 200


@dataclass(frozen=True)
class AlignedLaw:
    """The rate law of an estimate beside the true one.

    Attributes:
        log_k, true_log_k: shape (R,). Column scales go into k, and one shift is free.
        c: concentrations, shape (P,). s: magnitudes of the alphabet, shape (M,). message, true_message:
            substrate_func there, shape (P, M). Magnitudes are measured in the estimate's own unit, and an affine map
            is free, since rate_func can undo it.
        h: shape (P,). rate, true_rate: softplus(rate_func) there, up to one factor. Its argument is mapped by the
            affine fit of the estimated h on the true h.
    """

    log_k: Floats
    true_log_k: Floats
    c: Floats
    s: Floats
    message: Floats
    true_message: Floats
    h: Floats
    rate: Floats
    true_rate: Floats


def align(dynamics: EstimatedDynamics, dataset: Dataset) -> AlignedLaw:
    """Align both laws over the central 98 % of the held-out trajectories, where true reactions share two functions."""
    truth, law, estimate, graph = dataset.truth, dataset.truth.law, dynamics.estimate, dynamics.graph
    assert isinstance(law, SharedFunctions)
    frames = np.concatenate([trajectory.concentration for trajectory in dataset.heldout])
    scale = column_scale(graph, estimate.sto_all, truth.sto_all)

    log_k = estimate.log_k + np.log10(scale)
    log_k += (law.log_k - log_k).mean()

    c = _central_grid(frames)
    s = np.array(dataset.regime.network.coefficients, dtype=float)
    true_message = law.substrate_func(c[:, None], s)
    message = dynamics.substrate_func(c[:, None], s * np.median(scale))

    true_drive, drive = dataset.heldout_drive, dynamics.drive(frames)
    slope, offset = _affine_fit(true_drive.ravel(), drive.ravel())
    h = _central_grid(true_drive)
    true_rate = np.logaddexp(0.0, law.rate_func(h))
    rate = np.logaddexp(0.0, dynamics.rate_func(slope * h + offset))
    rate *= (rate @ true_rate) / max(rate @ rate, 1e-300)

    slope, offset = _affine_fit(message.ravel(), true_message.ravel())
    return AlignedLaw(log_k, law.log_k, c, s, slope * message + offset, true_message, h, rate, true_rate)


def column_scale(graph: Graph, estimate: Floats, truth: Ints) -> Floats:
    """Return the length of each estimated column in units of the true one, shape (R,): the gauge to remove."""
    lengths = [
        np.sqrt(np.bincount(graph.rxn_all, np.square(s.astype(float)), minlength=graph.n_reactions))
        for s in (estimate, truth)
    ]
    return np.asarray(np.maximum(lengths[0], 1e-9) / np.maximum(lengths[1], 1e-9))


def _central_grid(values: Floats) -> Floats:
    """Return points spread evenly over the central 98 % of values."""
    low, high = np.quantile(values, [0.01, 0.99])
    return np.linspace(float(low), float(high), _FUNCTION_POINTS)


def _affine_fit(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the least-squares slope and offset of y on x; a constant x gives slope 0."""
    centred = x - x.mean()
    power = float(centred @ centred)
    slope = float(centred @ (y - y.mean())) / power if power > 1e-12 * (1.0 + len(x) * float(x.mean()) ** 2) else 0.0
    return slope, float(y.mean()) - slope * float(x.mean())

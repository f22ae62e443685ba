"""Diagnostics of an estimate: its error by metabolite, its signs, magnitudes, distance from integers and balance.

They come from `estimate.npz` and the observations that trials are given. No truth and no held-out data enter, so a
planner may be told all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from agent.analyzer.diagnostics.observed import Observed, read_observed
from agent.analyzer.scoring.alignment import column_scale
from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.dynamics import EstimatedDynamics
from agent.analyzer.scoring.estimate import Estimate, EstimateError, read_estimate
from simulator.kinetics import Floats

_FRAMES = 256  # at the most, evenly spaced: enough for errors to two digits
_ROLES = {"substrates": -1, "products": 1, "edges of unknown role": 0}

Spread = tuple[float, float, float]  # the 5th, 50th and 95th percentile


@dataclass(frozen=True)
class Diagnostics:
    """Figures on one estimate.

    Attributes:
        error: root mean square error of dc/dt, in units of the root mean square of dc/dt; None where it is not given.
        errors: the same of each metabolite in its own unit, worst first, without those whose dc/dt is zero.
        against_role: by role, the number of edges whose sign is against it.
        edges: by role, the number of edges.
        magnitude: by role, the spread of |S|.
        log_k: the spread of the decimal logarithms of the rate constants.
        decoded: the share of edges that the decoder gives each magnitude.
        distance: mean distance of |S| to its decoded integer, after each column is brought to its integers' length.
        imbalance: root mean square of column sums, in units of the root mean square length of columns.
    """

    error: float | None
    errors: tuple[tuple[int, float], ...]
    against_role: Mapping[str, int]
    edges: Mapping[str, int]
    magnitude: Mapping[str, Spread]
    log_k: Spread
    decoded: Mapping[int, float]
    distance: float
    imbalance: float


@lru_cache(maxsize=256)
def diagnose(estimate: Path, observations: Path) -> Diagnostics | None:
    """Return the diagnostics of an artifact, None if there is no valid one. Neither file changes once it is there."""
    observed = read_observed(observations)
    try:
        return _diagnose(read_estimate(estimate, observed.graph), observed)
    except EstimateError:
        return None


def _diagnose(estimate: Estimate, observed: Observed) -> Diagnostics:
    graph, sto_all = observed.graph, estimate.sto_all
    decoded = decode(graph, sto_all, observed.constraints)
    sums = np.bincount(graph.rxn_all, weights=sto_all, minlength=graph.n_reactions)
    scaled = sto_all / column_scale(graph, sto_all, decoded)[graph.rxn_all]
    error, errors = _errors(estimate, observed)
    roles = {name: graph.role == role for name, role in _ROLES.items() if (graph.role == role).any()}
    return Diagnostics(
        error=error,
        errors=errors,
        against_role={
            name: int(np.sum(sto_all[edges] * _ROLES[name] < 0)) for name, edges in roles.items() if _ROLES[name]
        },
        edges={name: int(edges.sum()) for name, edges in roles.items()},
        magnitude={name: _spread(np.abs(sto_all[edges])) for name, edges in roles.items()},
        log_k=_spread(estimate.log_k),
        decoded=_shares(np.abs(decoded)),
        distance=float(np.mean(np.abs(scaled - decoded))),
        imbalance=float(np.sqrt(np.sum(sums**2) / max(np.sum(sto_all**2), 1e-300))),
    )


def _errors(estimate: Estimate, observed: Observed) -> tuple[float | None, tuple[tuple[int, float], ...]]:
    """Return the error of dc/dt over all metabolites, and of each."""
    if observed.dcdt is None:
        return None, ()
    frames = np.unique(np.linspace(0, len(observed.dcdt) - 1, _FRAMES).round().astype(int))
    residual = EstimatedDynamics(observed.graph, estimate).derivative(observed.concentration[frames])
    residual -= observed.dcdt[frames]
    mine, size = np.sqrt(np.mean(residual**2, axis=0)), np.sqrt(np.mean(observed.dcdt[frames] ** 2, axis=0))
    moving = np.flatnonzero(size > 0)
    ranked = sorted(((int(i), float(mine[i] / size[i])) for i in moving), key=lambda each: -each[1])
    total = float(np.sqrt(np.mean(size**2)))
    return (float(np.sqrt(np.mean(mine**2))) / total if total > 0 else None), tuple(ranked)


def _spread(values: Floats) -> Spread:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return float(low), float(middle), float(high)


def _shares(magnitudes: Floats) -> dict[int, float]:
    values, counts = np.unique(magnitudes, return_counts=True)
    return {int(value): float(count) / len(magnitudes) for value, count in zip(values, counts, strict=True)}

"""The answers that need no training, judged as a trial is judged: by the analyzer's edge scores.

`ones`     the graph alone: 1 everywhere with the signs of the graph.
`balance`  the graph and the decoder: what the regime's alphabet and mass balance make of `ones`, without any data.
`oracle`   NOT A METHOD but a yardstick: it opens the truth and is given the rate law, hence every rate v_j(t).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import block_diag, null_space
from scipy.signal import savgol_filter

from agent.analyzer.scoring.decode import decode, reaction_edges
from agent.analyzer.scoring.score import Scores, coefficient_scores
from agent.analyzer.scoring.uninformed import baseline
from simulator.dataset import Dataset, FrozenData
from simulator.integration import Trajectory
from simulator.kinetics import Floats
from simulator.kinetics.recorded_rates import RecordedRates
from simulator.network import Graph, Ints
from simulator.smoothing import smoothing_spline

# Directions this weak are left open by the rates, as in `given_rates`: they get no coefficient.
_TOLERANCE = 1e-7
_SMOOTHING_FRAMES = 11
_WINDOW = 6


def judge(dataset: Dataset, sto_all: Floats, integers: Ints | None = None) -> Scores:
    """Return the scores of coefficients (E,) that come without rate constants and functions.

    `integers` (E,) are what the method answers; a method that has real coefficients only is decoded.
    """
    if integers is None:
        integers = decode(dataset.truth.graph, sto_all, dataset.regime.constraints)
    return coefficient_scores(sto_all, integers, dataset)


def ones(dataset: Dataset) -> Scores:
    """Return the trivial answer: 1 everywhere, with the signs of the graph."""
    answer = baseline(dataset.truth.graph)
    return judge(dataset, answer.astype(float), answer)


def balance(dataset: Dataset) -> Scores:
    """Return the consistent integers nearest to `ones`; a method that recovers fewer loses to the trivial answer."""
    return judge(dataset, baseline(dataset.truth.graph).astype(float))


def oracle(dataset: Dataset) -> Scores:
    """Solve integer least squares for S with the true rates, which no method is given.

    The rates fix the scale of each column, so each coefficient is rounded by itself: under noise
    that is better than the decoder's angles, and an identifiable coefficient is not spoilt by its neighbours.
    """
    _, dcdt = observed_frames(dataset)
    return _rounded(dataset, true_rates(dataset), dcdt * dataset.stated.volume)


def oracle_integral(dataset: Dataset) -> Scores:
    """Do the same with c(t) - c(s) and the integrals of the true rates from s to t, which need no derivative."""
    rates = true_rates(dataset).reshape(len(dataset.observed), -1, dataset.graph.n_reactions)
    areas, changes = zip(*map(integrated, dataset.observed, rates), strict=True)
    return _rounded(dataset, np.concatenate(areas), np.concatenate(changes) * dataset.stated.volume)


def integrated(course: Trajectory, rates: Floats) -> tuple[Floats, Floats]:
    """Return the integrals of rates, shape (F, K), over a window that slides along a trajectory, and the changes of c.

    Both have a row for each place of the window.
    """
    total, window = CubicSpline(course.time, rates).antiderivative()(course.time), min(_WINDOW, len(course.time) - 1)
    return total[window:] - total[:-window], course.concentration[window:] - course.concentration[:-window]


def _rounded(dataset: Dataset, rates: Floats, change: Floats) -> Scores:
    """Judge the least-squares coefficients of changes, shape (K, N), on rates, shape (K, R), each rounded by itself."""
    truth, constraints = dataset.truth, dataset.regime.constraints
    sto_all = stoichiometry_from_rates(truth.graph, rates, change, mass_balanced=constraints.mass_balanced)
    absent = [0] if constraints.may_be_absent else []
    alphabet = np.array([*absent, *(sign * value for value in constraints.alphabet for sign in (-1, 1))])
    nearest = np.abs(sto_all[:, None] - alphabet).argmin(axis=1)
    return judge(dataset, sto_all, alphabet[nearest])


def true_rates(dataset: Dataset) -> Floats:
    """Return the rates at the frames as they were observed, shape (frames, R); of a published model the exact ones."""
    truth = dataset.truth
    if isinstance(truth.law, RecordedRates):
        return truth.law.recorded.reshape(-1, truth.graph.n_reactions)
    species = np.concatenate([trajectory.species for trajectory in dataset.observed])
    return truth.law.rates(truth.graph, truth.sto_all, species)


def stoichiometry_from_rates(graph: Graph, rates: Floats, dcdt: Floats, *, mass_balanced: bool) -> Floats:
    """Return least-squares coefficients (E,) of dc/dt (F, N) on rates (F, R), metabolites in units of their RMS dc/dt.

    Each metabolite is a regression of its own; only balance couples them, and it is met exactly: columns are
    sought among the vectors that sum to zero.
    """
    length = np.maximum(np.linalg.norm(rates, axis=0), 1e-300)
    systems = list(_triangular_systems(graph, rates / length, dcdt))
    basis = _balanced_basis(graph) if mass_balanced else np.eye(len(graph.met_all))
    by_metabolite = np.argsort(graph.met_all, kind="stable")
    left = block_diag(*(triangle for triangle, _ in systems)) @ basis[by_metabolite]
    right = np.concatenate([target for _, target in systems])
    solution = np.linalg.lstsq(left, right, rcond=_TOLERANCE)[0]
    return np.asarray(basis @ solution / length[graph.rxn_all])


def _triangular_systems(graph: Graph, unit: Floats, dcdt: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Return each metabolite's regression as a small one with the same answer."""
    for metabolite in range(graph.n_metabolites):
        reactions = graph.rxn_all[graph.met_all == metabolite]
        scale = np.sqrt(np.mean(dcdt[:, metabolite] ** 2)) or 1.0
        q, triangle = np.linalg.qr(unit[:, reactions])
        yield triangle / scale, q.T @ dcdt[:, metabolite] / scale


def _balanced_basis(graph: Graph) -> Floats:
    """Return an orthonormal basis, shape (E, K), of the coefficients whose columns sum to zero."""
    groups = reaction_edges(graph)
    blocks = block_diag(*(null_space(np.ones((1, len(edges)))) for edges in groups))
    basis = np.empty_like(blocks)
    basis[np.concatenate(groups)] = blocks
    return np.asarray(basis)


def observed_frames(dataset: FrozenData) -> tuple[Floats, Floats]:
    """Return concentrations and dc/dt of all observed trajectories, end to end, both (F, N)."""
    return (
        np.concatenate([trajectory.concentration for trajectory in dataset.observed]),
        np.concatenate([derivative(trajectory) for trajectory in dataset.observed]),
    )


def derivative(trajectory: Trajectory) -> Floats:
    """Return dc/dt (F, N) as given; where it is not a number, by a local cubic (Savitzky and Golay 1964).

    Where frames are not evenly spaced, by a smoothing spline whose smoothness is chosen by cross-validation. For times
    that differ by very many orders of magnitude SciPy finds none; then by differences.
    """
    if np.isfinite(trajectory.dcdt).all():
        return trajectory.dcdt
    steps = np.diff(trajectory.time)
    if np.ptp(steps) > 1e-6 * steps.mean():
        if spline := smoothing_spline(trajectory.time, trajectory.concentration):
            return np.asarray(spline.derivative()(trajectory.time))
        return np.asarray(np.gradient(trajectory.concentration, trajectory.time, axis=0))
    interval = float(trajectory.time[1] - trajectory.time[0])
    window = min(_SMOOTHING_FRAMES, len(trajectory.time))
    return np.asarray(savgol_filter(trajectory.concentration, window, 3, deriv=1, delta=interval, axis=0))

"""Sparse regression of dc/dt on mass-action terms, by pysindy: what one gets without learning the rate law.

Reactive SINDy (Hoffmann, Fröhner and Noé, J. Chem. Phys. 150, 2019) on the known graph. The candidate rates of
reaction j are the monomials prod_i c_i^a_i over its substrates, each a_i 1 or 2, and those over its products where it
is reversible; a metabolite's dc/dt is regressed on the candidates of the reactions that it takes part in, by
sequentially thresholded least squares.

The integral form (Schaeffer and McCalla, Phys. Rev. E 96, 2017) regresses c(t) - c(s) on the integrals of the same
candidates from s to t, and needs no derivative.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
from numpy.typing import NDArray

from agent.analyzer.scoring.decode import decode
from agent.analyzer.scoring.score import Scores
from agent.analyzer.scoring.uninformed import baseline
from benchmarks.answers import derivative, integrated, judge
from simulator.dataset import Dataset, FrozenData
from simulator.kinetics import Floats
from simulator.network import Graph, Ints
from simulator.regime import Constraints
from stoichloop.extras import how_to_install

# Terms and dc/dt are in units of their root mean square. Weights below a threshold are cut; the ridge decides
# between terms that are nearly the same.
THRESHOLDS = (0.0, 0.05, 0.1, 0.2)
RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
RIDGES_OF_INTEGRALS = (1e-5, 1e-3, 0.1, 10.0)  # which average noise away
_EXPONENTS = (1, 2)
_HELDOUT_SHARE = 0.25
_MOST_SUBSTRATES = 6  # of which there are 64 monomials


class NotApplicableError(Exception):
    """The method does not apply to a regime, or cannot be run; the message gives the reason."""


def sindy(data: FrozenData, *, integral: bool = False) -> Floats:
    """Return coefficients (E,) up to one factor a column; threshold and ridge are chosen by the observations alone.

    They are those with the least error on the observed trajectories that were left out of the fit.
    """
    graph, courses = data.graph, data.observed
    terms, owner = mass_action_terms(graph, np.concatenate([c.concentration for c in courses]), data.stated.reversible)
    parts = np.split(terms, np.cumsum([len(course.time) for course in courses])[:-1])
    if integral:
        regressions = list(map(integrated, courses, parts))
    else:
        regressions = [(part, derivative(course)) for course, part in zip(courses, parts, strict=True)]
    left_out = max(1, round(_HELDOUT_SHARE * len(courses)))
    fitted = sum(len(change) for _, change in regressions[:-left_out])
    fitted = fitted or round((1.0 - _HELDOUT_SHARE) * len(regressions[0][1]))  # of a single trajectory
    terms, change = (np.concatenate(part) for part in zip(*regressions, strict=True))
    size = np.sqrt(np.mean(terms**2, axis=0))
    terms, scale = terms / np.where(size > 0, size, 1.0), np.sqrt(np.mean(change**2, axis=0))
    target = change / np.where(scale > 0, scale, 1.0)

    def error(setting: tuple[float, float]) -> float:
        weights = _regress(graph, terms[:fitted], owner, target[:fitted], *setting)
        return float(np.mean((terms[fitted:] @ weights - target[fitted:]) ** 2))

    best = min(itertools.product(THRESHOLDS, RIDGES_OF_INTEGRALS if integral else RIDGES), key=error)
    weights = _regress(graph, terms, owner, target, *best) * scale * data.stated.volume
    return _mean_contributions(graph, terms, owner, weights)


def sindy_integral(dataset: Dataset) -> Scores:
    """Return the scores of the integral form with the signs of the graph."""
    answer = sindy_integral_columns(dataset, dataset.regime.constraints)
    return judge(dataset, answer.astype(float), answer)


def sindy_integral_columns(data: FrozenData, constraints: Constraints) -> Ints:
    """Return the integers that the integral form is decoded to, shape (E,). Roles must be known."""
    sizes = np.abs(sindy(data, integral=True))
    return decode(data.graph, sizes * baseline(data.graph).astype(float), constraints)


def mass_action_terms(graph: Graph, frames: Floats, reversible: NDArray[np.bool_]) -> tuple[Floats, Ints]:
    """Return the candidate rates (F, K) and the reaction of each (K,); `reversible` is of each reaction (R,).

    Raises `NotApplicableError` where the graph leaves too many of them open.
    """
    terms, owner = [], []
    for reaction in range(graph.n_reactions):
        own = graph.rxn_all == reaction
        for role in (-1, 1) if reversible[reaction] else (-1,):
            side = frames[:, graph.met_all[own & (graph.role * role >= 0)]]
            if side.shape[1] > _MOST_SUBSTRATES:
                wrong = f"a reaction shows {side.shape[1]} substrates, too many for mass-action terms of all of them"
                raise NotApplicableError(wrong)
            for exponents in itertools.product(_EXPONENTS, repeat=side.shape[1]):
                terms.append(np.prod(side ** np.array(exponents), axis=1))
                owner.append(reaction)
    return np.stack(terms, axis=1), np.array(owner)


def _regress(graph: Graph, terms: Floats, owner: Ints, target: Floats, threshold: float, ridge: float) -> Floats:
    """Return the weight of each term in each metabolite's dc/dt, shape (K, N)."""
    try:
        from pysindy import STLSQ
    except ImportError:
        raise NotApplicableError(f"pysindy is missing; {how_to_install('benchmarks')}") from None
    weights = np.zeros((terms.shape[1], graph.n_metabolites))
    for metabolite in range(graph.n_metabolites):
        library = np.isin(owner, graph.rxn_all[graph.met_all == metabolite])
        # Refitting what is left without the ridge (`unbias`) would let terms that are nearly the same cancel again.
        optimiser = STLSQ(threshold=threshold, alpha=ridge, max_iter=50, unbias=False)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparsity parameter is too big")  # then its error says so too
            optimiser.fit(terms[:, library], target[:, metabolite])
        weights[library, metabolite] = optimiser.coef_.ravel()
    return weights


def _mean_contributions(graph: Graph, terms: Floats, owner: Ints, weights: Floats) -> Floats:
    """Return the mean contribution of each edge's reaction to its metabolite, shape (E,): S_ij times the mean rate.

    The mean rate is common to a column, and the decoder looks at the direction of columns; so is its mean integral.
    """
    contributions = np.zeros((graph.n_reactions, graph.n_metabolites))
    np.add.at(contributions, owner, terms.mean(axis=0)[:, None] * weights)
    return np.asarray(contributions[graph.rxn_all, graph.met_all])

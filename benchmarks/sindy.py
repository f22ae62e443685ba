"""Sparse regression of dc/dt on mass-action terms, by pysindy: what one gets without learning the rate law.

Reactive SINDy (Hoffmann, Fröhner and Noé, J. Chem. Phys. 150, 2019) on the known graph. The candidate rates of
reaction j are the monomials prod_i c_i^a_i over its substrates, each a_i 1 or 2; a metabolite's dc/dt is regressed
on the candidates of the reactions that it takes part in, by sequentially thresholded least squares.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
from pysindy import STLSQ

from benchmarks.answers import observed_frames
from simulator.dataset import Dataset
from simulator.kinetics import Floats
from simulator.network import Graph, Ints

# Terms and dc/dt are in units of their root mean square. Weights below a threshold are cut; the ridge decides
# between terms that are nearly the same.
THRESHOLDS = (0.0, 0.05, 0.1, 0.2)
RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_EXPONENTS = (1, 2)
_HELDOUT_SHARE = 0.25
_MOST_SUBSTRATES = 6  # of which there are 64 monomials


class NotApplicableError(Exception):
    """A regime to which the method does not apply; the message gives the reason."""


def sindy(dataset: Dataset) -> Floats:
    """Return coefficients (E,) up to one factor a column; threshold and ridge are chosen by dc/dt alone.

    They are those with the least error on the observed trajectories that were left out of the fit.
    """
    graph = dataset.truth.graph
    frames, dcdt = observed_frames(dataset)
    left_out = max(1, round(_HELDOUT_SHARE * len(dataset.observed)))
    fitted = len(frames) - sum(len(trajectory.time) for trajectory in dataset.observed[-left_out:])
    terms, owner = mass_action_terms(graph, frames)
    scale = np.sqrt(np.mean(dcdt**2, axis=0))
    target = dcdt / np.where(scale > 0, scale, 1.0)

    def error(setting: tuple[float, float]) -> float:
        weights = _regress(graph, terms[:fitted], owner, target[:fitted], *setting)
        return float(np.mean((terms[fitted:] @ weights - target[fitted:]) ** 2))

    best = min(itertools.product(THRESHOLDS, RIDGES), key=error)
    weights = _regress(graph, terms, owner, target, *best) * scale
    return _mean_contributions(graph, terms, owner, weights)


def mass_action_terms(graph: Graph, frames: Floats) -> tuple[Floats, Ints]:
    """Return the candidate rates (F, K), each with a root mean square of 1, and the reaction of each (K,).

    Raises `NotApplicableError` where the graph leaves too many of them open.
    """
    if (most := int(np.bincount(graph.rxn_sub).max())) > _MOST_SUBSTRATES:
        raise NotApplicableError(f"a reaction shows {most} substrates, too many for mass-action terms of all of them")
    terms, owner = [], []
    for reaction in range(graph.n_reactions):
        substrates = frames[:, graph.met_sub[graph.rxn_sub == reaction]]
        for exponents in itertools.product(_EXPONENTS, repeat=substrates.shape[1]):
            monomial = np.prod(substrates ** np.array(exponents), axis=1)
            terms.append(monomial / np.sqrt(np.mean(monomial**2)))
            owner.append(reaction)
    return np.stack(terms, axis=1), np.array(owner)


def _regress(graph: Graph, terms: Floats, owner: Ints, target: Floats, threshold: float, ridge: float) -> Floats:
    """Return the weight of each term in each metabolite's dc/dt, shape (K, N)."""
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

    The mean rate is common to a column, and the decoder looks at the direction of columns.
    """
    contributions = np.zeros((graph.n_reactions, graph.n_metabolites))
    np.add.at(contributions, owner, terms.mean(axis=0)[:, None] * weights)
    return np.asarray(contributions[graph.rxn_all, graph.met_all])

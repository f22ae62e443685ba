"""The output of a trial: coefficients, and stand-ins for functions that these kinetics do not have.

`estimate.npz` holds, in float64, sto_all (E,), log_k (R,), the tables of two shared functions, how sure each
coefficient is, what the network seems to lack, and the totals that are conserved, if any. Here each reaction has a law
of its own, which the tables cannot hold: they state a constant rate of the right size.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gnn.observations import Floats, Observations
from gnn.recover import Recovered

_ONE = math.log(math.e - 1.0)  # softplus of it is 1
_LARGEST_LOG = 11.0


def write_estimate(found: Recovered, observations: Observations, folder: Path) -> None:
    """Write `estimate.npz` into `folder`; it appears there complete or not at all."""
    grid_c = np.array([0.0, max(1e-6, 1.2 * float(observations.concentration.max()))])
    grid_s = np.array([0.0, max(observations.constraints.alphabet) + 1.0])
    grid_h = np.array([-1.0, 1.0])
    arrays = {
        "sto_all": found.sto_all,
        "log_k": np.clip(np.log10(np.maximum(found.size, 1e-300)), -_LARGEST_LOG, _LARGEST_LOG),
        "substrate_func_c": grid_c,
        "substrate_func_s": grid_s,
        "substrate_func": np.zeros((2, 2)),
        "rate_func_h": grid_h,
        "rate_func": np.full(2, _ONE),
        **vars(found.confidence),
    }
    if found.lacks:
        arrays["lacking"] = _lacking(found, observations)
    if found.moieties:
        arrays["conserved"] = _conserved(found, observations)
    draft = folder / "estimate.partial.npz"
    np.savez(draft, allow_pickle=False, **{name: array.astype(np.float64) for name, array in arrays.items()})
    draft.replace(folder / "estimate.npz")


def _lacking(found: Recovered, observations: Observations) -> Floats:
    """Return what each species explains of each rate that it is not stated to act on, the outside last (R + 1, M)."""
    lacking = np.zeros((observations.graph.n_reactions + 1, observations.species.shape[2]))
    for lack in found.lacks:
        lacking[-1 if lack.reaction is None else lack.reaction, lack.species] = lack.effect
    return lacking


def _conserved(found: Recovered, observations: Observations) -> Floats:
    """Return the weight of each metabolite in each conserved total (K, N)."""
    conserved = np.zeros((len(found.moieties), observations.graph.n_metabolites))
    for row, moiety in zip(conserved, found.moieties, strict=True):
        row[moiety.metabolites] = moiety.weights
    return conserved

"""Exchange with the outside: columns of S with one entry."""

from __future__ import annotations

import numpy as np

from simulator.law_mixture import Exchange
from simulator.network import Ints


def with_exchange(stoichiometry: Ints, spec: Exchange, rng: np.random.Generator) -> Ints:
    """Return S, shape (N, R), with a column for each feed and then for each outflow, of different metabolites."""
    metabolites = rng.choice(len(stoichiometry), spec.feeds + spec.outflows, replace=False)
    columns = np.zeros((len(stoichiometry), len(metabolites)), dtype=np.int64)
    columns[metabolites, np.arange(len(metabolites))] = np.repeat([1, -1], [spec.feeds, spec.outflows])
    return np.concatenate([stoichiometry, columns], axis=1)

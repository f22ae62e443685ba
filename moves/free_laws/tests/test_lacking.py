import io
from dataclasses import replace

import numpy as np
import pytest

from gnn.clock import Clock
from gnn.config import Configuration
from gnn.design import design_of, rows_of
from gnn.features import wide_features
from gnn.lacking import lacking
from gnn.laws import Saturations
from gnn.network import Lack, network_of
from gnn.observations import Observations, stated_in
from gnn.recover import recover
from gnn.search import Search
from tests.networks import COLUMNS, graph_of, observed, rates, truth

INHIBITED = {3: 0}  # m1 -> m3, inhibited by m0
OUTFLOW = 2


def missed(observations: Observations, absent: int | None = None) -> list[Lack]:
    """Return the lacks of the network, judged with the true columns; the coefficient of edge `absent` is 0."""
    rows, network = rows_of(observations, 0.1), network_of(observations)
    rng = np.random.default_rng(0)
    tables = Saturations(rows.logs, rng)
    features = [wide_features(tables, own, 12, 1e-10, rng) for own in network.participants]
    right = truth(network.graph)
    if absent is not None:
        right[absent] = 0
    edges = [network.graph.edges_of(reaction) for reaction in range(network.graph.n_reactions)]
    chosen = [
        int(np.flatnonzero((allowed == right[own]).all(axis=1))[0])
        for allowed, own in zip(network.options, edges, strict=True)
    ]
    search = Search(design_of(rows, features), network.graph, network.options, np.array(chosen))
    return lacking(search, network, features)


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_an_inhibitor_that_is_not_stated_explains_the_most(derivative: bool) -> None:
    assert missed(observed(derivative=derivative, inhibitors=INHIBITED))[0] == Lack(3, 0)


@pytest.mark.parametrize("derivative", [True, False], ids=["dcdt", "integral"])
def test_an_outflow_that_is_not_stated_explains_the_most(derivative: bool) -> None:
    assert missed(observed(derivative=derivative, outflows=[OUTFLOW]))[0] == Lack(None, OUTFLOW)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_complete_network_lacks_nothing(noise: float) -> None:
    assert missed(observed(derivative=False, noise=noise)) == []


def test_columns_come_back_although_the_network_lacks_an_inhibitor_and_an_outflow() -> None:
    observations = observed(derivative=False, inhibitors=INHIBITED, outflows=[OUTFLOW])
    found = recover(observations, Configuration(passes=2), 0, Clock(30, 3, io.StringIO()))
    assert found.sto_all.tolist() == truth(observations.graph).tolist()
    assert {(lack.reaction, lack.species) for lack in found.lacks} >= {(3, 0), (None, OUTFLOW)}
    assert found.size.shape == (COLUMNS.shape[1],)


def test_a_metabolite_that_no_column_touches_may_be_exchanged() -> None:
    observations = observed(derivative=True)
    graph = graph_of(np.pad(COLUMNS, ((0, 1), (0, 0))) + np.eye(5, dtype=int)[:, 4:] @ np.eye(5, dtype=int)[:1])
    constraints = replace(observations.constraints, may_be_absent=True)
    alone = np.linspace(0.0, 1.0, 16)[None, :, None].repeat(16, axis=0)
    seen = replace(
        observations,
        graph=graph,
        constraints=constraints,
        stated=stated_in(graph, {}),
        volume=np.ones(5),
        species=np.concatenate([observations.species, 1.0 + alone], axis=2),
        gaps=np.concatenate([observations.gaps, np.zeros_like(alone, dtype=bool)], axis=2),
        dcdt=np.concatenate([rates(observations.species) @ COLUMNS.T, 1.0 + alone], axis=2),
    )
    absent = int(np.flatnonzero(graph.met_all == 4)[0])
    assert Lack(None, 4) in missed(seen, absent)

import numpy as np

from gnn.network import Lack, network_of
from tests.networks import observed


def test_a_supplemented_network_keeps_what_was_given() -> None:
    given = network_of(observed(derivative=True))
    grown = given.supplemented([Lack(3, 0), Lack(None, 2)])
    edges, reactions = len(given.graph.met_all), given.graph.n_reactions
    assert grown.participants[3].regulators.tolist() == [0]
    assert grown.graph.n_reactions == reactions + 1
    assert grown.graph.edges_of(reactions).tolist() == [edges]
    assert (grown.graph.met_all[edges], grown.options[reactions].tolist()) == (2, [[1]])
    np.testing.assert_array_equal(grown.graph.met_all[:edges], given.graph.met_all)
    assert (given.participants[3].regulators.tolist(), given.added) == ([], ())

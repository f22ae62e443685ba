from dataclasses import replace

import numpy as np

from simulator.dataset import Dataset
from simulator.identifiability.column_lengths import scale_free
from simulator.kinetics.shared_functions import SharedFunctions
from simulator.network import graph_of
from tests.conftest import shared_functions


def blind_to_magnitude(law: SharedFunctions) -> SharedFunctions:
    """Return the same law with a substrate_func that ignores |S|."""
    weights = law.substrate_func.weights_1.copy()
    weights[1] = 0.0
    return replace(law, substrate_func=replace(law.substrate_func, weights_1=weights))


def test_columns_with_another_multiple_in_the_alphabet_are_named(tiny: Dataset) -> None:
    # All ones; all twos; mixed; and (1, 3), whose double needs a 6.
    matrix = np.array([[-1, -2, -1, -1], [1, 2, 2, 3]])
    graph = graph_of(matrix)
    law = replace(shared_functions(tiny), log_k=np.zeros(4))
    frames = np.random.default_rng(0).uniform(1.0, 5.0, (50, 2))
    sto_all = matrix[graph.met_all, graph.rxn_all]
    assert scale_free(graph, sto_all, law, frames, (1, 2, 3)).ambiguous.tolist() == [True, True, False, False]
    assert scale_free(graph, sto_all, law, frames, (1, 2, 3, 4)).ambiguous.tolist() == [True, True, True, False]


def test_only_a_substrate_func_that_depends_on_magnitude_tells_ones_from_twos(tiny: Dataset) -> None:
    truth = tiny.truth
    frames = tiny.observed[0].concentration
    seen = scale_free(truth.graph, truth.sto_all, shared_functions(tiny), frames, (1, 2))
    unseen = scale_free(truth.graph, truth.sto_all, blind_to_magnitude(shared_functions(tiny)), frames, (1, 2))
    assert seen.ambiguous.any()
    np.testing.assert_array_equal(seen.ambiguous, unseen.ambiguous)
    np.testing.assert_array_equal(seen.resolved, seen.ambiguous)
    assert not unseen.resolved.any()

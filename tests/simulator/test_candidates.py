import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.candidates import candidate_graph
from simulator.network import Ints, draw_stoichiometry, graph_of
from simulator.network_settings import Network
from simulator.regime import Observation
from stoichloop.errors import RegimeError

SEEDS = st.integers(0, 2**32)
EXAMPLES = settings(max_examples=30, deadline=None)


def drawn(rng: np.random.Generator, reactions: int = 40) -> Ints:
    spec = Network(
        metabolites=20,
        reactions=reactions,
        max_substrates=3,
        max_products=3,
        coefficients=(1, 2),
        mass_balanced=True,
    )
    return draw_stoichiometry(spec, rng)


def observation(decoys: float = 1.0, *, roles_told: bool = True) -> Observation:
    return Observation(dcdt_noise=0.0, concentration_noise=0.0, dcdt_given=True, decoys=decoys, roles_told=roles_told)


@EXAMPLES
@given(seed=SEEDS, decoys=st.floats(1.0, 2.0))
def test_every_edge_is_among_as_many_candidates_as_the_regime_says(seed: int, decoys: float) -> None:
    rng = np.random.default_rng(seed)
    matrix = drawn(rng)
    graph = candidate_graph(matrix, observation(decoys), rng)
    shown = graph.matrix(graph.role)
    np.testing.assert_array_equal(shown[matrix != 0], np.sign(matrix[matrix != 0]))
    for side in (-1, 1):
        members = np.sum(np.sign(matrix) == side)
        assert np.sum(shown == side) == round((1 + decoys) * members)


@EXAMPLES
@given(seed=SEEDS)
def test_all_reactions_show_equally_many_candidates_whatever_their_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = candidate_graph(drawn(rng), observation(), rng)
    for side in (-1, 1):
        assert np.ptp((graph.matrix(graph.role) == side).sum(axis=0)) <= 1


def test_a_guess_from_the_candidates_is_as_good_as_any_other() -> None:
    """Neither the reactions that show one more, nor the metabolites that come first, have more true edges."""
    rng = np.random.default_rng(0)
    matrix = drawn(rng, reactions=6000)
    graph = candidate_graph(matrix, observation(1.1), rng)
    real = matrix[graph.met_all, graph.rxn_all] != 0
    size, shown = np.bincount(graph.rxn_all, real), np.bincount(graph.rxn_all)
    assert abs(size[shown > np.median(shown)].mean() - size[shown <= np.median(shown)].mean()) < 0.15
    first = np.flatnonzero(np.diff(graph.rxn_all, prepend=-1))
    assert abs(real[first].mean() - real.mean()) < 0.03


def test_roles_that_are_not_told_leave_the_same_candidates() -> None:
    matrix = drawn(np.random.default_rng(0))
    told = candidate_graph(matrix, observation(), np.random.default_rng(1))
    untold = candidate_graph(matrix, observation(roles_told=False), np.random.default_rng(1))
    np.testing.assert_array_equal(untold.met_all, told.met_all)
    np.testing.assert_array_equal(untold.rxn_all, told.rxn_all)
    assert not untold.role.any()
    assert len(untold.met_sub) == len(untold.met_all) > len(told.met_sub)


def test_without_decoys_the_graph_is_that_of_the_network() -> None:
    matrix = drawn(np.random.default_rng(0))
    graph, known = candidate_graph(matrix, observation(0.0), np.random.default_rng(1)), graph_of(matrix)
    np.testing.assert_array_equal(graph.met_all, known.met_all)
    np.testing.assert_array_equal(graph.role, known.role)


@pytest.mark.parametrize(("decoys", "words"), [(0.1, "too few to hide the 3"), (9.0, r"network\.metabolites = 20")])
def test_decoys_that_cannot_be_placed_are_refused(decoys: float, words: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(RegimeError, match=rf"observation\.decoys = {decoys} .*{words}"):
        candidate_graph(drawn(rng), observation(decoys), rng)

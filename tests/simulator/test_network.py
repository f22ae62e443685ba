import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.network import draw_stoichiometry, graph_of
from simulator.network_settings import Network
from stoichloop.errors import RegimeError


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), substrates=st.integers(1, 3), products=st.integers(1, 3), balanced=st.booleans())
def test_networks_are_what_the_regime_states(seed: int, substrates: int, products: int, balanced: bool) -> None:
    spec = Network(
        metabolites=12,
        reactions=40,
        max_substrates=substrates,
        max_products=products,
        coefficients=(1, 2),
        mass_balanced=balanced,
    )
    matrix = draw_stoichiometry(spec, np.random.default_rng(seed))
    assert matrix.shape == (12, 40)
    assert set(np.unique(matrix)) <= {-2, -1, 0, 1, 2}
    assert ((matrix.sum(axis=0) == 0) == balanced).all()
    assert ((matrix < 0).sum(axis=0) >= 1).all()
    assert ((matrix < 0).sum(axis=0) <= substrates).all()
    assert ((matrix > 0).sum(axis=0) <= products).all()
    assert (matrix != 0).any(axis=1).all()


@pytest.mark.parametrize(("coefficients", "balanced"), [((1,), False), ((2,), True), ((1, 3), True)])
def test_a_network_that_cannot_be_drawn_is_refused_and_odd_alphabets_end(
    coefficients: tuple[int, ...], balanced: bool
) -> None:
    spec = Network(
        metabolites=8,
        reactions=12,
        max_substrates=1 if not balanced else 3,
        max_products=1 if not balanced else 3,
        coefficients=coefficients,
        mass_balanced=balanced,
    )
    rng = np.random.default_rng(0)
    if balanced:
        assert not draw_stoichiometry(spec, rng).sum(axis=0).any()
    else:
        with pytest.raises(RegimeError, match=r"network\.coefficients"):
            draw_stoichiometry(spec, rng)


def test_the_graph_gives_away_the_pattern_and_the_roles_but_no_coefficient() -> None:
    matrix = np.array([[-1, 0], [2, -1], [0, -1], [-1, 2]])
    graph = graph_of(matrix)
    assert list(zip(graph.met_all, graph.rxn_all, strict=True)) == [(0, 0), (1, 0), (3, 0), (1, 1), (2, 1), (3, 1)]
    assert list(zip(graph.met_sub, graph.rxn_sub, strict=True)) == [(0, 0), (3, 0), (1, 1), (2, 1)]
    np.testing.assert_array_equal(graph.met_all[graph.sub_to_all], graph.met_sub)
    assert graph.role.tolist() == [-1, 1, -1, -1, -1, 1]
    np.testing.assert_array_equal(graph.matrix(matrix[graph.met_all, graph.rxn_all]), matrix)

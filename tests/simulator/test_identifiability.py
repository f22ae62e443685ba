import numpy as np

from simulator.identifiability import analyse
from simulator.network import graph_of


def independent_rates(reactions: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(0).uniform(0.5, 2.0, (200, reactions))


def test_independent_rates_leave_nothing_open() -> None:
    graph = graph_of(np.array([[-1, 1], [1, -1]]))
    found = analyse(graph, independent_rates(2), mass_balanced=False)
    assert found.edges.all()
    assert found.null_dimension == 0
    assert found.proportional == ()


def test_a_duplicate_reaction_is_named_and_its_coefficients_are_not_identifiable() -> None:
    # Reactions 0 and 2 are the same; reaction 1 shares metabolites with both.
    graph = graph_of(np.array([[-1, 1, -1], [1, -1, 1], [0, 0, 0]])[:2])
    rates = independent_rates(3)
    rates[:, 2] = 3.0 * rates[:, 0]
    found = analyse(graph, rates, mass_balanced=False)
    assert found.proportional == ((0, 2),)
    assert [int(r) for r in np.unique(graph.rxn_all[~found.edges])] == [0, 2]
    assert found.edges[graph.rxn_all == 1].all()
    assert found.null_dimension == 2


def test_mass_balance_tells_apart_what_the_dynamics_alone_do_not() -> None:
    # Both reactions consume metabolite 0 at proportional rates, but make different products: what each
    # takes from metabolite 0 follows from what it makes.
    graph = graph_of(np.array([[-1, -2], [1, 0], [0, 2]]))
    rates = independent_rates(2)
    rates[:, 1] = 0.5 * rates[:, 0]
    assert analyse(graph, rates, mass_balanced=False).edges.tolist() == [False, True, False, True]
    assert analyse(graph, rates, mass_balanced=True).edges.all()

import numpy as np

from simulator.identifiability.given_rates import analyse
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


def test_three_rates_of_which_one_is_the_sum_of_the_others_tie_three_edges_together() -> None:
    # Metabolite 0 is consumed by reactions 0, 1 and 2 and v_2 = v_0 + v_1; no two of the rates are proportional.
    graph = graph_of(np.array([[-1, -1, -2], [1, 0, 0], [0, 1, 0], [0, 0, 2]]))
    rates = independent_rates(3)
    rates[:, 2] = rates[:, 0] + rates[:, 1]
    found = analyse(graph, rates, mass_balanced=False)
    assert found.proportional == ()
    assert [[(int(graph.met_all[e]), int(graph.rxn_all[e])) for e in group] for group in found.collinear] == [
        [(0, 0), (0, 1), (0, 2)]
    ]
    assert found.edges.tolist() == [False, True, False, True, False, True]

from dataclasses import replace

import numpy as np

from simulator.dataset import Dataset
from simulator.identifiability.given_form import ratios_determined
from simulator.network import graph_of
from tests.conftest import shared_functions


def test_the_tiny_regime_can_be_solved_without_knowing_either_function(tiny: Dataset) -> None:
    frames = np.concatenate([trajectory.concentration for trajectory in tiny.observed])
    truth = tiny.truth
    assert ratios_determined(truth.graph, truth.sto_all, shared_functions(tiny), frames, mass_balanced=False).all()


def test_a_few_frames_leave_the_functions_open_and_they_take_coefficients_with_them(tiny: Dataset) -> None:
    frames = np.stack([trajectory.concentration[0] for trajectory in tiny.observed[:5]])
    truth = tiny.truth
    alone, balanced = (
        ratios_determined(truth.graph, truth.sto_all, shared_functions(tiny), frames, mass_balanced=balanced)
        for balanced in (False, True)
    )
    assert not alone.all()
    assert (balanced >= alone).all()  # a statement about columns can only help
    assert balanced.sum() > alone.sum()


def test_two_frames_determine_the_ratios_of_a_reaction_on_its_own_but_not_of_two_that_share_metabolites(
    tiny: Dataset,
) -> None:
    frames = np.array([[2.0, 3.0, 4.0], [3.0, 1.0, 2.5]])
    for matrix, determined in (
        (np.array([[-1], [-1], [2]]), [True]),
        (np.array([[-1, 1], [-1, -2], [2, 1]]), [False, False]),
    ):
        graph = graph_of(matrix)
        law = replace(shared_functions(tiny), log_k=np.zeros(matrix.shape[1]))
        sto_all = matrix[graph.met_all, graph.rxn_all]
        assert ratios_determined(graph, sto_all, law, frames, mass_balanced=False).tolist() == determined

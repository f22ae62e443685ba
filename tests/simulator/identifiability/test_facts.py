from dataclasses import replace

import numpy as np

from simulator.dataset import Dataset
from simulator.generate import System
from simulator.identifiability.facts import activity_rank, examine
from simulator.network import graph_of
from simulator.regime import Kinetics, Trajectories
from simulator.stated_kinetics import StatedKinetics
from tests.conftest import shared_functions
from tests.simulator.identifiability.test_column_lengths import blind_to_magnitude


def test_facts_agree_with_the_arrays(tiny: Dataset) -> None:
    facts, spec, kinetics = tiny.facts, tiny.regime.trajectories, tiny.regime.kinetics
    assert isinstance(spec, Trajectories)
    assert isinstance(kinetics, Kinetics)
    assert (facts.trajectories, facts.frames) == (spec.count, spec.count * spec.frames)
    assert facts.edges == len(tiny.truth.sto_all)
    # The tiny regime is there to be solved.
    assert facts.identifiable_edges == facts.identifiable_edges_given_form == facts.edges
    assert tiny.identifiability.edges.all()
    assert facts.scale_free_resolved == facts.scale_free_reactions != ()
    assert facts.collinear_groups == ()
    assert (facts.metabolite_names[3], facts.reaction_names[7]) == ("m3", "r7")
    assert (len(facts.metabolite_names), len(facts.reaction_names)) == (facts.metabolites, facts.reactions)
    assert len(facts.rate_variation) == facts.reactions
    assert min(facts.rate_variation) >= kinetics.min_rate_variation
    assert facts.smallest_concentration > 0
    assert max(facts.followed_for) <= spec.duration


def test_a_column_of_which_nothing_tells_the_length_is_not_identifiable(tiny: Dataset) -> None:
    truth = tiny.truth
    system = System(
        truth.graph,
        truth.sto_all,
        blind_to_magnitude(shared_functions(tiny)),
        tiny.stated,
        tiny.observed,
        tiny.observed,
        tiny.heldout,
    )
    facts, identifiable = examine(tiny.regime, system)
    lost = np.isin(truth.graph.rxn_all, facts.scale_free_reactions)
    assert facts.scale_free_resolved == ()
    np.testing.assert_array_equal(identifiable.edges, ~lost)
    assert facts.identifiable_edges == facts.edges - lost.sum()
    assert not identifiable.edges_given_form[lost].any()


def test_a_duplicate_reaction_is_lost_to_perfect_rates_and_to_the_form(tiny: Dataset) -> None:
    truth = tiny.truth
    matrix = truth.graph.matrix(truth.sto_all).astype(np.int64)
    twins = np.column_stack([matrix, matrix[:, 4]])
    graph = graph_of(twins)
    law = replace(
        shared_functions(tiny), log_k=np.append(shared_functions(tiny).log_k, shared_functions(tiny).log_k[4] + 0.3)
    )
    told, frames = StatedKinetics.plain(graph), tiny.observed
    system = System(graph, twins[graph.met_all, graph.rxn_all], law, told, frames, frames, tiny.heldout)
    facts, identifiable = examine(tiny.regime, system)
    assert facts.proportional_reactions == ((4, 30),)
    assert {r for group in facts.collinear_groups for _, r in group} == {4, 30}
    np.testing.assert_array_equal(identifiable.edges_given_form, ~np.isin(graph.rxn_all, (4, 30)))


def test_activity_rank_counts_components_of_the_centred_frames() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 30))
    assert activity_rank(plane + 100.0) == 2

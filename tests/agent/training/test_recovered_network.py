"""Recovered networks, to COBRApy and back."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.scoring.estimate import Confidence, Estimate
from agent.export.sbml_file import write_sbml
from agent.training.recovered_network import RecoveredNetwork, network_of
from simulator.network import graph_of, stoichiometry_of
from simulator.regime import find_regime
from simulator.sbml_reader import read_network
from stoichloop.errors import StoichloopError

cobra = pytest.importorskip("cobra")


def recovered(name: str) -> RecoveredNetwork:
    """Return the network that a perfect trial recovers, each column of S in a unit of its own."""
    regime, rng = find_regime(name), np.random.default_rng(0)
    matrix = stoichiometry_of(regime.network, rng)
    graph = graph_of(matrix)
    unit = 10.0 ** rng.uniform(-0.05, 0.05, graph.n_reactions)
    grid = np.linspace(0.0, 1.0, 2)
    estimate = Estimate(
        sto_all=matrix[graph.met_all, graph.rxn_all] * unit[graph.rxn_all],
        log_k=-2.0 - np.log10(unit),
        substrate_func_c=grid,
        substrate_func_s=grid,
        substrate_func=np.ones((2, 2)),
        rate_func_h=grid,
        rate_func=grid,
    )
    return network_of(estimate, regime, graph, "a test")


def test_what_was_recovered_of_ecoli_core_opens_in_cobrapy_and_equals_the_textbook(tmp_path: Path) -> None:
    network, file = recovered("ecoli_core"), tmp_path / "deep" / "core.xml"
    write_sbml(network, file)
    logging.getLogger("cobra").setLevel(logging.ERROR)
    model, textbook = cobra.io.read_sbml_model(str(file)), cobra.io.load_model("textbook")
    assert len(model.reactions) == 73
    for reaction in model.reactions:
        known = textbook.reactions.get_by_id(reaction.id)
        assert {m.id: s for m, s in reaction.metabolites.items()} == {m.id: s for m, s in known.metabolites.items()}
    assert {m.id: m.compartment for m in model.metabolites}.items() <= {
        m.id: m.compartment for m in textbook.metabolites
    }.items()
    assert model.reactions.PFK.lower_bound == 0.0


def test_a_rate_constant_is_that_of_the_integers(tmp_path: Path) -> None:
    network = recovered("pde_m1_tiny")
    np.testing.assert_allclose(network.log_k, -2.0)  # whatever unit the column was estimated in
    reaction = network.to_cobra().reactions.get_by_id("r7")
    assert {m.id: s for m, s in reaction.metabolites.items()} == network.column("r7")
    assert float(reaction.notes["log10_k"]) == pytest.approx(-2.0)
    assert {m.compartment for m in reaction.metabolites} == {"c"}


def test_what_the_trial_is_not_sure_of_is_marked_in_equations_and_notes() -> None:
    regime = find_regime("pde_m1_tiny")
    matrix = stoichiometry_of(regime.network, np.random.default_rng(0))
    graph = graph_of(matrix)
    sto_all, grid = matrix[graph.met_all, graph.rxn_all].astype(float), np.linspace(0.0, 1.0, 2)
    probability = np.where(np.arange(len(sto_all)) == 0, 0.89, 0.9)
    confidence = Confidence(probability, np.zeros_like(sto_all), np.ones_like(sto_all))
    estimate = Estimate(sto_all, np.zeros(graph.n_reactions), grid, grid, np.ones((2, 2)), grid, grid, confidence)
    network = network_of(estimate, regime, graph, "a test")
    first, second = network.reactions[:2]
    [unsure] = network.undetermined(first)
    assert unsure == network.metabolites[graph.met_all[0]]
    assert f"{abs(network.column(first)[unsure])}? {unsure}" in network.equation(first)
    assert "?" not in network.equation(second)
    notes = [reaction.notes.get("not_determined") for reaction in network.to_cobra().reactions]
    assert notes == [unsure, *[None] * (graph.n_reactions - 1)]


@pytest.mark.parametrize(
    "names", [("[atp]", "NAD+", "NO"), ("1,3-bpg", "2pg", "1"), ("größe", "a'", "R_a"), ("M_x", "x", "x")]
)
def test_names_of_the_users_are_the_same_after_export_and_import(tmp_path: Path, names: tuple[str, str, str]) -> None:
    substrate, product, reaction = names
    matrix, file = np.array([[-2], [1]]), tmp_path / "named.xml"
    known = np.ones_like(matrix, dtype=bool)
    write_sbml(RecoveredNetwork("mine", "a test", names[:2], (reaction,), matrix, np.zeros(1), known), file)
    logging.getLogger("cobra").setLevel(logging.ERROR)
    (opened,) = cobra.io.read_sbml_model(str(file)).reactions
    assert (opened.name, {m.name: s for m, s in opened.metabolites.items()}) == (reaction, {substrate: -2, product: 1})
    assert read_network(file).network.reactions == {reaction: {substrate: -2, product: 1}}


def test_ids_of_an_sbml_file_come_back_with_one_prefix_each(tmp_path: Path) -> None:
    matrix, file = np.array([[-2], [1]]), tmp_path / "named.xml"
    known = np.ones_like(matrix, dtype=bool)
    names, reactions = ("M_a_c", "M_b_e"), ("R_r1",)
    network = RecoveredNetwork("mine", "a test", names, reactions, matrix, np.zeros(1), known, frozenset(reactions))
    assert str(network) == "R_r1: 2 M_a_c <-> M_b_e"
    write_sbml(network, file)
    text = file.read_text()
    for identifier in (*names, *reactions):
        assert f'id="{identifier}"' in text
    assert read_network(file).network.reactions == {"r1": {"a_c": -2, "b_e": 1}}


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "mine.xml"
    file.write_text("the user's own\n")
    with pytest.raises(StoichloopError, match=r"--sbml .*mine\.xml: exists already"):
        write_sbml(recovered("pde_m1_tiny"), file)
    assert file.read_text() == "the user's own\n"
    assert list(tmp_path.iterdir()) == [file]

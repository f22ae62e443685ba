"""Support of integers by the data: 1 for the integers that made them, less for others and for what data cannot tell."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.analyzer.scoring.score import support_score
from agent.analyzer.scoring.support import allowed_columns, confidence_in
from simulator.measured.measurements import Measurements, import_measurements
from simulator.network import Graph, Ints
from simulator.regime import Constraints
from simulator.stated_columns import StatedColumns
from tests.conftest import EXAMPLE

# The example was simulated with these coefficients of 2.
TWOS = {("split", "triose"), *((reaction, name) for reaction in ("payoff", "respire") for name in ("adp", "atp"))}
TWOS |= {("respire", "co2")}


def names(pathway: Measurements) -> list[tuple[str, str]]:
    """Return reaction and metabolite of each edge."""
    graph, network = pathway.graph, pathway.regime.network
    edges = zip(graph.rxn_all, graph.met_all, strict=True)
    return [(network.reaction_names[reaction], network.metabolite_names[metabolite]) for reaction, metabolite in edges]


def ones(pathway: Measurements) -> Ints:
    return np.where(pathway.graph.role < 0, -1, 1)


@pytest.fixture
def true(pathway: Measurements) -> Ints:
    return ones(pathway) * np.array([2 if edge in TWOS else 1 for edge in names(pathway)], dtype=np.int64)


def test_the_integers_behind_the_data_are_supported_without_a_rate_law(pathway: Measurements, true: Ints) -> None:
    assert confidence_in(true, pathway).probability.min() > 0.95
    assert support_score(true, pathway) > 0.99
    assert support_score(ones(pathway), pathway) < 0.7


@pytest.mark.parametrize("edge", [("split", "triose"), ("uptake", "g6p"), ("ferment", "etoh"), ("respire", "co2")])
def test_a_wrong_integer_is_found_and_keeps_the_answer_below_nine_tenths(
    pathway: Measurements, true: Ints, edge: tuple[str, str]
) -> None:
    wrong, place = true.copy(), names(pathway).index(edge)
    wrong[place] = np.sign(true[place]) * (3 - abs(true[place]))
    found = confidence_in(wrong, pathway)
    assert found.probability[place] < 0.1
    assert found.runner_up[place] == true[place]
    assert support_score(wrong, pathway) < 0.9


def test_an_answer_that_the_data_leave_open_stays_below_nine_tenths(
    pathway: Measurements, true: Ints, tmp_path: Path
) -> None:
    """With 2 % noise, a wrong coefficient is a little more probable than the true one; all others are well known."""
    noise = np.random.default_rng(0)
    with (EXAMPLE / "pathway.csv").open() as table, (tmp_path / "noisy.csv").open("w") as noisy:
        writer, (heading, *rows) = csv.writer(noisy), csv.reader(table)
        writer.writerow(heading)
        for run, time, *readings in rows:
            writer.writerow([run, time, *(float(one) * np.exp(0.02 * noise.standard_normal()) for one in readings)])
    data = import_measurements(tmp_path / "noisy.csv", EXAMPLE / "pathway.yaml", tmp_path / "data")[0]
    wrong, place = true.copy(), names(pathway).index(("payoff", "pyr"))
    wrong[place] = 2
    each = confidence_in(wrong, data).probability
    assert 0.5 < each[place] == each.min() < 0.9
    assert each.mean() > 0.89
    assert support_score(wrong, data) < 0.85


@pytest.mark.filterwarnings("error")
def test_a_network_that_states_every_coefficient_has_full_support(tmp_path: Path) -> None:
    (tmp_path / "stated.yaml").write_text("reactions: {upkeep: 1 atp -> 1 adp}")
    data = import_measurements(EXAMPLE / "pathway.csv", tmp_path / "stated.yaml", tmp_path / "data")[0]
    assert support_score(ones(data), data) == 1.0


def test_the_price_of_a_runner_up_is_what_it_leaves_more(pathway: Measurements, true: Ints) -> None:
    found = confidence_in(true, pathway)
    free = found.runner_up != 0
    np.testing.assert_array_equal(found.runner_up[free], np.sign(true[free]) * (3 - np.abs(true[free])))
    assert (found.price[free] > 0).all()
    assert (found.price[~free] == 0).all()


def test_two_columns_that_are_wrong_at_one_metabolite_do_not_hide_each_other(pathway: Measurements, true: Ints) -> None:
    edges = np.flatnonzero(pathway.graph.met_all == pathway.regime.metabolite_names.index("atp"))
    for pair in combinations(edges, 2):
        wrong = true.copy()
        wrong[list(pair)] = np.sign(true[list(pair)]) * (3 - np.abs(true[list(pair)]))
        assert support_score(wrong, pathway) < 0.9


def test_two_reactions_whose_rates_stay_in_proportion_can_be_wrong_together(tmp_path: Path) -> None:
    """Of A, a third goes to B and two thirds to C: also if one reaction takes two A, and the other gives two C."""
    network, table, noise = tmp_path / "fork.yaml", tmp_path / "fork.csv", np.random.default_rng(0)
    network.write_text("reactions: {left: A -> B + X, right: A -> C + Y}\nprimitive: true\n", encoding="utf-8")
    rows = ["run,time,A,B,C,X,Y"]
    for run, time in np.ndindex(6, 20):
        left = (1.0 + run) * np.exp(-0.15 * time)
        gone = (1.0 + run - left) / 3.0
        readings = np.array([left, 1.0 + gone, 1.0 + 2.0 * gone, 2.0 + gone, 2.0 + 2.0 * gone])
        rows.append(f"{run},{time},{','.join(map(str, readings * (1.0 + 0.01 * noise.normal(size=5))))}")
    table.write_text("\n".join(rows), encoding="utf-8")
    fork, _ = import_measurements(table, network, tmp_path / "data")
    wrong = ones(fork) * np.array(
        [2 if edge in {("left", "A"), ("right", "C"), ("right", "Y")} else 1 for edge in names(fork)]
    )
    assert support_score(wrong, fork) < 0.9


def test_where_no_convention_fixes_a_length_a_column_and_its_double_share_the_support(
    pathway: Measurements, true: Ints
) -> None:
    network = pathway.regime.network.model_copy(update={"primitive": False})
    free = replace(pathway, regime=pathway.regime.model_copy(update={"network": network}))
    free = replace(free, manifest=pathway.manifest.model_copy(update={"regime": "free"}))
    upkeep = [place for place, (reaction, _) in enumerate(names(pathway)) if reaction == "upkeep"]
    doubled = true.copy()
    doubled[upkeep] *= 2
    for answer in (true, doubled):
        np.testing.assert_allclose(confidence_in(answer, free).probability[upkeep], 0.5, atol=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_answer_support_is_a_share(pathway: Measurements, seed: int) -> None:
    rng = np.random.default_rng(seed)
    answer = rng.choice([-2, -1, 0, 1, 2], len(pathway.graph.met_all)) * (seed > 0)
    each = confidence_in(answer, pathway).probability
    assert ((each >= 0) & (each <= 1)).all()


def columns(role: list[int], **stated: Any) -> list[list[int]]:
    """Return the allowed columns of a reaction with these roles, whose own column is 1 everywhere."""
    edges = np.arange(len(role))
    graph = Graph(len(role), 1, edges, np.zeros_like(edges), np.array(role, dtype=np.int8))
    known = np.array(stated.pop("known", [0] * len(role)))
    plain = Constraints((1, 2), False, max_substrates=2, max_products=2, may_be_absent=False, primitive=True)
    own = np.where(np.array(role) < 0, -1, 1)
    said = replace(StatedColumns.nothing(graph), known=known)
    found: list[list[int]] = allowed_columns(own, edges, graph, replace(plain, **stated), said).tolist()
    return found


def test_columns_are_compared_with_all_that_the_network_allows() -> None:
    assert columns([-1, 1]) == [[-2, 1], [-1, 1], [-1, 2]]
    assert columns([-1, 1], primitive=False) == [[-2, 1], [-2, 2], [-1, 1], [-1, 2]]
    assert columns([-1, 1], mass_balanced=True) == [[-1, 1]]
    assert columns([-1, 1], known=[-2, 0]) == [[-2, 1], [-2, 2], [-1, 1]]  # its own column is always among them
    assert columns([0, 1], max_products=1) == [[-2, 1], [-1, 1], [-1, 2], [1, 1]]
    assert [0, 1, -1] in columns([0, 1, -1], may_be_absent=True)
    assert len(columns([-1] * 7 + [1] * 7, max_substrates=7, max_products=7)) == 15  # one change at a time

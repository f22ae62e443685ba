"""The prospects of a table and a network, before any training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simulator.measured.measurements import MeasuredFacts, import_measurements
from simulator.measured.prospects import Prospects
from simulator.measured.reading_noise import reading_noise


def facts_of(tmp_path: Path, reactions: str, header: str, rows: Sequence[Sequence[float]]) -> MeasuredFacts:
    csv, network = tmp_path / "m.csv", tmp_path / "net.yaml"
    csv.write_text("\n".join([header, *(",".join(map(repr, row)) for row in rows)]))
    network.write_text(f"reactions: {{{reactions}}}")
    return import_measurements(csv, network, tmp_path / "data")[0].facts


def prospects(facts: MeasuredFacts) -> Prospects:
    assert facts.prospects is not None
    return facts.prospects


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_noise_is_told_on_transients(noise: float) -> None:
    rng = np.random.default_rng(1)
    time = 40 * (np.arange(40) / 39) ** 1.5
    exact = [a * np.exp(-np.outer(time, [0.2, 1.0, 5.0])) + 0.3 + 0.1 * a for a in rng.uniform(1, 5, (20, 1))]
    read = [course * np.exp(noise * rng.standard_normal(course.shape)) for course in exact]
    found = reading_noise([time] * len(read), read)
    np.testing.assert_allclose(found, noise, rtol=0.2, atol=1e-4)


def test_noise_is_not_told_of_too_few_readings() -> None:
    assert np.isnan(reading_noise([np.arange(3.0)], [np.ones((3, 1))])).all()


def test_few_intervals_for_many_rates_are_said_to_be_too_few(tmp_path: Path) -> None:
    rows = [(t, 5 - t, 1 + t, 3 + t % 2) for t in range(5)]
    chain = ", ".join(f"r{n}: A -> B | C" for n in range(6))
    found = prospects(facts_of(tmp_path, chain, "time,A,B,C", rows))
    assert (found.intervals, found.unknown_rates) == (4, 6)
    assert "too few to tell S" in found.verdict
    assert found.thin == ("A", "B")


def test_the_rank_is_in_units_of_each_metabolite(tmp_path: Path) -> None:
    angles = np.linspace(0, 6, 12)
    columns = (angles, 60 + 5 * np.sin(angles), 2 + np.cos(angles), 0.02 + 0.01 * np.sin(2 * angles))
    rows = np.stack(columns, axis=1).tolist()
    assert facts_of(tmp_path, "r: A -> B, s: B -> C", "time,A,B,C", rows).activity_rank == 3


def test_reactions_that_never_vary_apart_are_named(tmp_path: Path) -> None:
    rows = [(t, 5 - t, 1 + t % 3, 2 + t, 1 + (t * t) % 5) for t in range(5)]
    network = "one: A -> B, two: A -> C, other: D -> B"
    found = prospects(facts_of(tmp_path, network, "time,A,B,C,D", rows))
    assert found.never_apart == (("one", "two"),)
    assert any("one, two never vary apart; they depend on the same species" in line for line in found.advice)


def test_a_change_that_no_reaction_makes_is_named(tmp_path: Path) -> None:
    rows = [(t, 1 + t, 3 + t) for t in range(5)]
    (found,) = prospects(facts_of(tmp_path, "r: A -> B", "time,A,B", rows)).unexplained
    assert found.startswith(
        "A rises by a factor of 5, though no reaction makes it: write a reaction of it as reversible"
    )


def test_advice_names_starts_times_and_species(tmp_path: Path) -> None:
    rows = [(run, t, 5 - 3 * (t > 2), 1 + t, 2 + run) for run in (1, 2) for t in range(8)]
    advice = prospects(facts_of(tmp_path, "r: A + X -> B, s: C -> X", "run,time,A,B,C", rows)).advice
    assert "start from other concentrations of A, B: all starts are alike" in advice
    assert any(line.startswith("sample between 2 and 3: ") for line in advice)
    assert "measure too, with the number of reactions that each takes part in: X (2)" in advice


PULSE = """,0,5,10,20,60,120,400
EC_glc,0.09,0.2,0.33,,0.4,,0.09
IC_glc,0.2,0.21,0.2,0.22,0.2,0.18,0.2
IC_G6P,0.7,1.1,1.5,3.3,6.2,4.2,0.7
IC_glyc,,,,,,,
IC_G3P,0,0.02,0.03,0.05,0.1,0.04,0.02
IC_ATP,3.7,3.5,3.1,2.9,3.3,3.5,3.7
IC_CIT,6.4,6.2,6.1,6,6.1,6.3,6.4
"""
NETWORK = """reactions:
  GLT: EC_glc -> IC_glc
  HXK: IC_glc + IC_ATP -> IC_G6P + IC_ADP
  GPD: IC_G6P + IC_NADH -> IC_G3P + IC_NAD
  HOR: IC_G3P -> IC_glyc
  EXP: 'IC_glyc -> '
  FEED: ' -> IC_glc'
"""


def test_a_pulse_as_its_authors_published_it_comes_in_as_it_is(tmp_path: Path) -> None:
    """Metabolites in rows, gaps, a zero, an empty row, one short run, other metabolites, exchange, few measured."""
    csv, network = tmp_path / "pulse.csv", tmp_path / "net.yaml"
    csv.write_text(PULSE)
    network.write_text(NETWORK)
    data, _ = import_measurements(csv, network, tmp_path / "data")
    facts = data.facts
    assert facts.metabolite_names == ("EC_glc", "IC_ATP", "IC_G3P", "IC_G6P", "IC_glc")
    assert facts.reaction_names == ("FEED", "GLT", "GPD", "HOR", "HXK")
    table, stated = "\n".join(facts.table), "\n".join(facts.network)
    for words in ("metabolites stand in rows", "'IC_glyc' is empty", "2 gaps", "1 zero", "'IC_CIT'", "nothing is kept"):
        assert words in table
    for words in ("exchange with the outside: EXP, FEED", "GPD (without IC_NADH", "not measured: IC_ADP, IC_NAD"):
        assert words in stated
    assert any(line.startswith("EC_glc rises") for line in prospects(facts).unexplained)
    network.write_text(NETWORK + "inputs: [EC_glc]\n")
    csv.rename(tmp_path / "driven.csv")
    driven, _ = import_measurements(tmp_path / "driven.csv", network, tmp_path / "data")
    assert (driven.facts.inputs, driven.observed[0].inputs.shape) == (("EC_glc",), (7, 1))
    assert str(driven.regime.network.reactions["GLT"]) == "-> IC_glc | EC_glc"

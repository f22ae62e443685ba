"""Networks stated for measurements: valid and invalid ones, and the measured part of them."""

from pathlib import Path

import numpy as np
import pytest

from simulator.measured.measurements import import_measurements
from simulator.measured.stated_network import Cut, cut_down, read_stated
from stoichloop.errors import RegimeError
from tests.simulator.sbml_files import EQUATIONS, write_level_3, write_sbml

NETWORK = "reactions:\n  r1: A + B -> C\n  r2: C -> A + D\n  r3: D -> E\n"


def stated(tmp_path: Path, text: str = NETWORK) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    return path


def test_reactions_are_equations_without_coefficients(tmp_path: Path) -> None:
    network = read_stated(stated(tmp_path)).network
    assert (network.alphabet, network.mass_balanced) == ((1, 2), False)
    assert network.metabolite_names == ("A", "B", "C", "D", "E")
    expected = np.array([[-1, -1, 1, 0, 0], [1, 0, -1, 1, 0], [0, 0, 0, -1, 1]]).T
    np.testing.assert_array_equal(network.graph().matrix(network.graph().role), expected)


def test_charges_and_signs_may_be_part_of_a_name(tmp_path: Path) -> None:
    network = read_stated(stated(tmp_path, "reactions: {r1: NAD+ + 2pg -> NADH + H+}")).network
    assert network.metabolite_names == ("2pg", "H+", "NAD+", "NADH")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reactions: {}", r"key 'reactions' with value \{\}: .*at least 1"),
        ("alphabet: [1, 2]", r"key 'reactions' .*Field required"),
        ("reactions: {r1: 2 A -> B}", r"key 'reactions\.r1' .* coefficient, '2': .* write 'A' alone"),
        ("reactions: {r1: A <-> B}", r"key 'reactions\.r1' .* write a reversible reaction as two"),
        ("reactions: {r1: A B -> C}", r"holds 'A B', but names have no spaces"),
        ("reactions: {r1: A -> }", r"leave exchange reactions out"),
        ("reactions: {r1: A -> A + B}", r"must not hold 'A' twice"),
        ("reactions: {r1: 7}", r"must read like A \+ B -> C"),
        ("reactions:\n  r1: A -> B\n  r1: B -> A\n", r"key 'r1' is given twice"),
        ("reactions: {r1: A -> B}\nalphabet: [2, 1]", r"key 'alphabet' .* smallest first"),
        ("reactions: {r1: A -> B}\nalphabet: [1, 90]", r"magnitudes from 1 to 6"),
        ("reactions: {r1: A -> B}\nbalanced: true", r"key 'balanced' .*not permitted"),
        ("just words", "must hold a mapping"),
        ("reactions: {r1: 0 -> A}", r"key 'reactions\.r1' .*leave exchange reactions out"),
        ("reactions: {r1: A -> ∅}", r"key 'reactions\.r1' .*leave exchange reactions out"),
        ("reactions: {r1: 'null -> A'}", r"key 'reactions\.r1' .*leave exchange reactions out"),
        ("reactions: {r1: '[] -> A'}", r"key 'reactions\.r1' .*leave exchange reactions out"),
        ("reactions: {r1: A --> B}", r"must read like A \+ B -> C, with one arrow"),
        ("reactions: {r1: on}", r"key 'reactions\.r1' with value True: .*must read like A \+ B -> C"),
        ("reactions: {'': A -> B}", r"at least 1 character"),
        ("reactions: {NO: A -> B, NO: B -> C}", r"key 'NO' is given twice"),
        ("reactions:\n  r1: [A] -> B", r"cannot be read as YAML: .*line 2.*must stand in quotes"),
        ("reactions:\n  r1: A: -> B", r"cannot be read as YAML: .*line 2.*must stand in quotes"),
        ("reactions:\n\tr1: A -> B", r"cannot be read as YAML: .*indent by spaces, not tabs"),
    ],
)
def test_what_will_not_do_is_said_by_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RegimeError, match=words) as refusal:
        read_stated(stated(tmp_path, text))
    assert str(tmp_path / "net.yaml") in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["NO", "on", "1", "2024-01-01", "~", "1e3", "0x10", "[a]"])
def test_a_name_is_what_stands_in_the_file_even_where_yaml_reads_something_else(tmp_path: Path, name: str) -> None:
    written = f"'{name}'" if name == "[a]" else name
    network = read_stated(stated(tmp_path, f"reactions: {{{written}: '{name} -> B'}}")).network
    assert network.reaction_names == (name,)
    assert network.metabolite_names == tuple(sorted((name, "B")))


def test_what_was_not_measured_is_left_out_and_named(tmp_path: Path) -> None:
    path = stated(tmp_path, NETWORK + "mass_balanced: true\n")
    cut = cut_down(path, read_stated(path), ("A", "C", "D"))
    assert {name: str(equation) for name, equation in cut.network.reactions.items()} == {
        "r1": "A -> C",
        "r2": "C -> A + D",
    }
    assert not cut.network.mass_balanced
    assert cut.left_out == (
        "metabolites that were not measured: B, E; reactions of which no substrate or no product was measured: r3; "
        "mass balance, since members of reactions were not measured"
    )
    whole = cut_down(path, read_stated(path), ("A", "B", "C", "D", "E"))
    assert whole == Cut(read_stated(path).network, "")
    alone = cut_down(path, read_stated(path), ("A", "B", "C", "E"))
    assert alone.left_out.startswith("metabolites that were not measured: D; ")
    assert "measured metabolites that are in no other reaction: E" in alone.left_out


def test_columns_that_are_no_metabolites_and_networks_of_others_are_refused(tmp_path: Path) -> None:
    path = stated(tmp_path)
    for column, words in {
        "F": r"column 'F' is no metabolite of .*net\.yaml, which has A, B, C, D, E; write both alike, or leave",
        "a": r"column 'a' is no metabolite of .*net\.yaml, but 'A' is; call it 'A', or leave the column out",
        "A [mM]": r"but 'A' is; call it 'A'",
        "a(mM)": r"but 'A' is; call it 'A'",
    }.items():
        with pytest.raises(RegimeError, match=words):
            cut_down(path, read_stated(path), (column, "B"))
    with pytest.raises(RegimeError, match="no reaction has both a substrate and a product that were measured"):
        cut_down(path, read_stated(path), ("A", "D"))
    with pytest.raises(RegimeError, match="there is no such file"):
        read_stated(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("equation", "named", "meant"),
    [
        ("2a + b -> c", "2a", "a"),
        ("2*a + b -> c", "2*a", "a"),
        ("a+b -> c", "a+b", "a' and 'b"),
        ("a + b -> c;", "c;", "c"),
        ("a + b -> c.", "c.", "c"),
        ("a, + b -> c", "a,", "a"),
        ("A + b -> c", "A", "a"),
        ("a + b -> 3C", "3C", "c"),
        ("a&b -> c", "a&b", "a' and 'b"),
    ],
)
def test_a_name_that_can_only_be_a_slip_is_not_taken_for_unmeasured(
    tmp_path: Path, equation: str, named: str, meant: str
) -> None:
    text = "reactions:\n  r1: {}\n  r2: c -> a + b\n"
    path = stated(tmp_path, text.format(equation))
    with pytest.raises(RegimeError) as refusal:
        cut_down(path, read_stated(path), ("a", "b", "c"))
    assert f"key 'reactions.r1' holds '{named}', which has no column in the CSV file, but '{meant}' has" in str(
        refusal.value
    )
    mended = stated(tmp_path, text.format("a + b -> c"))
    assert cut_down(mended, read_stated(mended), ("a", "b", "c")).left_out == ""


def test_a_name_that_no_column_resembles_was_not_measured(tmp_path: Path) -> None:
    path = stated(tmp_path, "reactions:\n  r1: NAD+ + 3pg -> 2pg + H+\n  r2: a -> 3pg + 1,3-bpg\n")
    cut = cut_down(path, read_stated(path), ("3pg", "2pg", "a"))
    assert cut.left_out == "metabolites that were not measured: 1,3-bpg, H+, NAD+"


def test_an_sbml_file_states_a_network_too(tmp_path: Path) -> None:
    pytest.importorskip("cobra")
    whole = read_stated(write_sbml(tmp_path / "small.xml", EQUATIONS))
    assert str(whole.network.reactions["FORWARD"]) == "a_c + b_c -> c_c"
    assert whole.network.alphabet == (1, 2, 3, 4)
    assert "BIOMASS" in whole.left_out
    with pytest.raises(RegimeError, match=r"--network .*: there is no such file"):
        read_stated(tmp_path / "none.xml")


def test_columns_may_go_by_the_ids_of_an_sbml_file_and_others_are_told_what_they_are(tmp_path: Path) -> None:
    pytest.importorskip("libsbml")
    path = write_level_3(
        tmp_path / "small.xml",
        {"R_r1": ({"M_a": 1}, {"M_b": 1}), "R_r2": ({"M_b": 1}, {"M_x": 1}), "R_r3": ({"M_b": 0.5}, {"M_c": 1})},
        boundary=("M_x",),
    )
    csv = tmp_path / "m.csv"
    rows = [f"{time},{1 + time},{2 - time / 32}" for time in range(25)]
    csv.write_text("\n".join(["time,M_a,b", *rows]))
    data, _ = import_measurements(csv, path, tmp_path / "data")
    assert data.facts.metabolite_names == ("a", "b")
    assert "Left out: reactions with one side only but for boundary species: r2" in data.regime.description
    assert "boundary species: x" in data.regime.description
    for column, words in {
        "x": r"column 'x' is a boundary species of .*, which no reaction changes; .*or leave the column out",
        "c": r"column 'c' is a species of .*none of the reactions that can be used \(.*not an integer: r3",
        "y": r"column 'y' is no metabolite of .*, which has a, b",
    }.items():
        with pytest.raises(RegimeError, match=words):
            cut_down(path, read_stated(path), ("a", "b", column))

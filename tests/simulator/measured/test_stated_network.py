"""Networks stated for measurements: valid and invalid ones, and the measured part of them."""

from pathlib import Path

import numpy as np
import pytest

from simulator.measured.stated_network import Cut, cut_down, read_stated
from stoichloop.errors import RegimeError
from tests.simulator.sbml_files import EQUATIONS, write_sbml

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
    ],
)
def test_what_will_not_do_is_said_by_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RegimeError, match=words) as refusal:
        read_stated(stated(tmp_path, text))
    assert str(tmp_path / "net.yaml") in str(refusal.value)
    assert "\n" not in str(refusal.value)


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
    with pytest.raises(RegimeError, match=r"column 'a' is no metabolite of .*net\.yaml, which has A, B, C, D, E"):
        cut_down(path, read_stated(path), ("a", "B"))
    with pytest.raises(RegimeError, match="no reaction has both a substrate and a product that were measured"):
        cut_down(path, read_stated(path), ("A", "D"))
    with pytest.raises(RegimeError, match="there is no such file"):
        read_stated(tmp_path / "none.yaml")


def test_an_sbml_file_states_a_network_too(tmp_path: Path) -> None:
    pytest.importorskip("cobra")
    whole = read_stated(write_sbml(tmp_path / "small.xml", EQUATIONS))
    assert str(whole.network.reactions["FORWARD"]) == "a_c + b_c -> c_c"
    assert whole.network.alphabet == (1, 2, 3, 4)
    assert "BIOMASS" in whole.left_out
    with pytest.raises(RegimeError, match=r"--network .*: there is no such file"):
        read_stated(tmp_path / "none.xml")

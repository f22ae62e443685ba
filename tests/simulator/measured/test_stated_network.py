"""Networks stated for measurements: valid and invalid ones, and the measured part of them."""

from pathlib import Path

import numpy as np
import pytest

from simulator.equation import parse_equation, parse_total
from simulator.measured.measured_part import cut_down, refuse_slips
from simulator.measured.measurements import import_measurements
from simulator.measured.stated_network import read_stated
from simulator.measured_regime import StatedNetwork
from stoichloop.errors import DatasetError, RegimeError
from tests.conftest import ROOT
from tests.simulator.sbml_files import Side, write_level_3

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
        ("reactions: {r1: A B -> C}", r"holds 'A B', but names have no spaces"),
        ("reactions: {r1: 0.5 A -> B}", r"key 'reactions\.r1' .* whole numbers from 1 to 100; multiply the reaction"),
        ("reactions:\n  r1: A -> ?n B + ?n B", r"'B' twice on one side beside a coefficient like \?n"),
        ("reactions: {r1: A -> 2 A + B}", r"'A' on both sides, with a coefficient on one; write both"),
        ("reactions: {r1: A -> A}", r"changes nothing"),
        ("reactions: {r1: 0 -> ∅}", r"must have a metabolite on one side at least"),
        ("reactions: {r1: A -> B |}", r"must name a regulator behind '\|'"),
        ("reactions: {r1: A <- B}", r"must read like A \+ B -> C, A <-> B or A -> B \| X, with one arrow"),
        ("reactions: {r1: A -> B}\nconserved: {t: A}", r"key 'conserved\.t' .*must read like ATP \+ ADP"),
        ("reactions: {r1: A -> B}\nvolumes: {A: 0}", r"key 'volumes\.A' .*greater than 0"),
        (
            "reactions: {r1: A -> B}\nvolumes: {Bx: 3}",
            r"key 'volumes' names 'Bx', which is in no reaction; write it as",
        ),
        ("reactions: {r1: A -> B}\ninputs: [Ax]", r"key 'inputs' names 'Ax', which is in no reaction"),
        ("reactions: {r1: A -> B | -C}", r"holds '-C', but no name begins with '-'; write 'C', whether it"),
        ("reactions: {r1: A + !B -> C}", r"holds '!B', but no name begins with '!'; write 'B'"),
        ("reactions: {r1: A -> B}\nconserved: {t: A + B=x}", r"key 'conserved\.t' .*must read like ATP \+ ADP"),
        ("reactions: {r1: A -> B}\nsbml: m.xml", r"key 'sbml' .* stands in place of 'reactions'"),
        ("reactions: {r1: 7}", r"must read like A \+ B -> C"),
        ("reactions:\n  r1: A -> B\n  r1: B -> A\n", r"key 'r1' is given twice"),
        ("reactions: {r1: A -> B}\nalphabet: [2, 1]", r"key 'alphabet' .* smallest first"),
        ("reactions: {r1: A -> B}\nalphabet: [1, 90]", r"magnitudes from 1 to 6"),
        ("reactions: {r1: A -> B}\nbalanced: true", r"key 'balanced' .*not permitted"),
        (
            "reactions: {r1: A -> B}\nfoo: 3",
            r"'foo' with value 3: .*; leave the key out, or use one of reactions, .*alphabet",
        ),
        ("alphabet: [1, 2]", r"key 'reactions' is absent: Field required; add the key"),
        (
            "reactions:\n- A -> B\n",
            r"key 'reactions' with value .*'A -> B'.*; write one 'name: value' a line, without a '-'",
        ),
        ("reactions: {r1: A <- B}", r"key 'reactions\.r1' with value 'A <- B': must read like"),
        ("just words", "must hold a mapping"),
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
        "r3": "D ->",
    }
    assert not cut.network.mass_balanced
    assert (cut.network.incomplete, cut.network.unobserved_rate) == (("r1", "r3"), ("r1",))
    assert cut.notes == (
        "species that were not measured: B, E",
        "reactions that keep the measured part of their members: r1 (without B), r3 (without E)",
        "reactions whose rate depends on something that was not measured: r1 (without B)",
        "mass balance is not used, since reactions are open to the outside or lost members",
    )
    assert cut.missing == {"B": 1, "E": 1}
    whole = cut_down(path, read_stated(path), ("A", "B", "C", "D", "E"))
    assert (whole.network, whole.notes) == (read_stated(path).network, ())


def test_networks_of_others_are_refused(tmp_path: Path) -> None:
    path = stated(tmp_path)
    with pytest.raises(RegimeError, match="no reaction has a metabolite that was measured"):
        cut_down(path, read_stated(path), ("X", "Y"))
    with pytest.raises(RegimeError, match="there is no such file"):
        read_stated(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("equation", "named", "meant"),
    [
        ("2a + b -> c", "2a", "a"),
        ("a+b -> c", "a+b", "a' and 'b"),
        ("a + b -> c;", "c;", "c"),
        ("a + b -> c.", "c.", "c"),
        ("a, + b -> c", "a,", "a"),
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
        refuse_slips(path, read_stated(path), ("a", "b", "c"))
    assert f"key 'reactions.r1' holds '{named}', which has no column in the table, but '{meant}' has" in str(
        refusal.value
    )
    mended = stated(tmp_path, text.format("a + b -> c"))
    refuse_slips(mended, read_stated(mended), ("a", "b", "c"))
    assert cut_down(mended, read_stated(mended), ("a", "b", "c")).notes == ()


@pytest.mark.parametrize(("equation", "named"), [("2a -> b", "2a"), ("a:x -> b", "a:x")])
def test_a_slip_is_seen_where_its_column_is_used_nowhere_else(tmp_path: Path, equation: str, named: str) -> None:
    csv, path = tmp_path / "m.csv", stated(tmp_path, f"reactions:\n  r1: {equation}\n")
    csv.write_text("\n".join(["time,a,b", *(f"{t},{5 - t},{1 + t}" for t in range(5))]))
    with pytest.raises(RegimeError, match=f"holds '{named}', which has no column in the table, but 'a' has"):
        import_measurements(csv, path, tmp_path / "data")


def test_a_complex_of_measured_species_was_not_measured(tmp_path: Path) -> None:
    path = stated(tmp_path, "reactions:\n  bind: E + S <-> E:S\n  turn: E:S -> E + P\n")
    refuse_slips(path, read_stated(path), ("E", "S", "P"))
    assert "species that were not measured: E:S" in cut_down(path, read_stated(path), ("E", "S", "P")).notes


def test_a_name_that_no_column_resembles_was_not_measured(tmp_path: Path) -> None:
    path = stated(tmp_path, "reactions:\n  r1: NAD+ + 3pg -> 2pg + H+\n  r2: a -> 3pg + 1,3-bpg\n")
    refuse_slips(path, read_stated(path), ("3pg", "2pg", "a"))
    cut = cut_down(path, read_stated(path), ("3pg", "2pg", "a"))
    assert cut.notes[0] == "species that were not measured: 1,3-bpg, H+, NAD+"


def test_all_faults_of_a_network_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(RegimeError) as refusal:
        read_stated(stated(tmp_path, "reactions: {r1: A B -> C, r2: A <- B, r3: A -> B}\nalphabet: [2, 1]"))
    message = str(refusal.value)
    for words in ("3 faults", "'reactions.r1'", "'reactions.r2'", "'alphabet'"):
        assert words in message


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2 A + B <-> C | X, Y", "2 A + B <-> C | X, Y"),
        ("A <=> B", "A <-> B"),
        ("A ⇌ B", "A <-> B"),
        ("A --> B", "A -> B"),
        ("A => B", "A -> B"),
        ("2*A -> B", "2 A -> B"),
        ("A + A -> B", "2 A -> B"),
        ("?n A -> ?n B", "?n A -> ?n B"),
        ("? A -> B", "A -> B"),
        ("-> A", "-> A"),
        ("A -> 0", "A ->"),
        ("∅ -> A | X", "-> A | X"),
        ("A + E -> B + E", "A -> B | E"),
        ("A + 2 E -> B + 2 E", "A -> B | E"),
        ("A + 1 B -> 2 B", "A -> 1 B | B"),
        ("A <-> B | B", "A <-> B"),
        ("1,3-bpg -> 3pg | ATP + ADP", "1,3-bpg -> 3pg | ATP, ADP"),
    ],
)
def test_equations_read_as_they_are_written_elsewhere(written: str, read: str) -> None:
    assert str(parse_equation(written)) == read
    assert parse_equation(read) == parse_equation(written)


def test_the_amount_of_a_total_needs_no_spaces() -> None:
    assert str(parse_total("A + 2 B=5")) == "A + 2 B = 5"


FULL = """
reactions:
  import: -> A | X
  turn: 2 A + B <-> C
  share: ?n C -> ?n D | E
inputs: [X]
volumes: {C: 0.5}
conserved: {pool: B + C + D}
"""


def test_all_that_is_stated_reaches_the_arrays(tmp_path: Path) -> None:
    path = stated(tmp_path, FULL)
    read = read_stated(path)
    assert read.notes == (
        "reversible: turn",
        "exchange with the outside: import",
        "regulated: import by X, share by E",
        "known coefficients: 2 A in turn",
    )
    network = cut_down(path, read, ("A", "B", "C", "D", "E", "X")).network
    rates, columns = network.stated_kinetics(), network.stated_columns()
    assert (network.metabolite_names, network.input_names) == (("A", "B", "C", "D"), ("E", "X"))
    np.testing.assert_array_equal(rates.reversible, [False, False, True])  # import, share, turn
    np.testing.assert_array_equal([rates.met_reg, rates.rxn_reg], [[5, 4], [0, 1]])
    np.testing.assert_array_equal(rates.volume, [1, 1, 0.5, 1])
    np.testing.assert_array_equal(columns.known, [0, 0, 0, -2, 0, 0])
    np.testing.assert_array_equal(columns.tied, [0, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(columns.conserved, [[0, 1, 1, 1]])
    assert StatedNetwork.model_validate(network.model_dump(mode="json")) == network


def test_what_is_set_from_outside_acts_on_rates_and_has_no_balance(tmp_path: Path) -> None:
    path = stated(tmp_path, "reactions: {uptake: G -> A, r: A + S -> B}\ninputs: [G]\n")
    cut = cut_down(path, read_stated(path), ("G", "S", "A", "B"), steady=("S",))
    assert {name: str(equation) for name, equation in cut.network.reactions.items()} == {
        "uptake": "-> A | G",
        "r": "A -> B | S",
    }
    assert cut.network.input_names == ("G", "S")
    assert "taken as set from outside, since they never change: S" in cut.notes


def test_an_sbml_file_states_its_structure_and_not_its_coefficients(tmp_path: Path) -> None:
    pytest.importorskip("libsbml")
    reactions: dict[str, tuple[Side, Side]] = {
        "R_up": ({}, {"M_a": 1}),
        "R_r1": ({"M_a": 3, "M_e": 1}, {"M_b": 1, "M_e": 1}),
        "R_r2": ({"M_b": 1}, {"M_x": 1}),
        "R_half": ({"M_b": 0.5}, {"M_c": 1}),
        "R_bio": ({"M_b": 0.517}, {"M_c": 1}),
    }
    path = write_level_3(tmp_path / "small.xml", reactions, boundary=("M_x",))
    read = read_stated(path)
    assert {name: str(equation) for name, equation in read.network.reactions.items()} == {
        "R_up": "-> M_a",
        "R_r1": "M_a -> M_b | M_e",
        "R_r2": "M_b -> M_x",
        "R_half": "M_b -> M_c",
    }
    assert (read.network.alphabet, read.network.mass_balanced, read.network.primitive) == ((1, 2), False, True)
    assert any("R_bio" in note and "balances then lack a term" in note for note in read.notes)
    assert str(cut_down(path, read, ("M_a", "M_b", "M_e")).network.reactions["R_r2"]) == "M_b ->"
    other = stated(tmp_path, "sbml: small.xml\nalphabet: [1, 2, 3]\n")
    assert read_stated(other).network.alphabet == (1, 2, 3)
    assert read_stated(other).network.reactions == read.network.reactions
    with pytest.raises(RegimeError, match=r"--network .*: there is no such file"):
        read_stated(tmp_path / "none.xml")


def test_columns_may_have_the_ids_of_the_file_or_its_names(tmp_path: Path) -> None:
    pytest.importorskip("libsbml")
    path = write_level_3(tmp_path / "small.xml", {"R_r1": ({"M_a": 1}, {"M_b": 1})})
    csv = tmp_path / "m.csv"
    csv.write_text("\n".join(["time,M_a,b", *(f"{time},{1 + time},{2 - time / 32}" for time in range(25))]))
    data, _ = import_measurements(csv, path, tmp_path / "data")
    assert data.facts.metabolite_names == ("M_a", "M_b")
    assert data.facts.reaction_names == ("R_r1",)
    assert "columns that were found under another name: 'b' is M_b" in data.facts.table


def test_volumes_reversibility_and_modifiers_of_an_sbml_file_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("libsbml")
    path = write_level_3(tmp_path / "small.xml", {"r1": ({"a": 1}, {"b": 1}), "r2": ({"b": 1}, {"e": 1})})
    text = path.read_text().replace(
        '<compartment id="c" constant="true"/>',
        '<compartment id="c" size="1" constant="true"/><compartment id="n" size="0.45" constant="true"/>',
    )
    text = text.replace('id="b" compartment="c"', 'id="b" compartment="n"')
    modifier = '<listOfModifiers><modifierSpeciesReference species="e"/></listOfModifiers></reaction>'
    text = text.replace('reversible="false"', 'reversible="true"', 1).replace("</reaction>", modifier, 1)
    path.write_text(text)
    read = read_stated(path)
    assert str(read.network.reactions["r1"]) == "a <-> b | e"
    cut = cut_down(path, read, ("a", "b", "e"))
    np.testing.assert_array_equal(cut.network.stated_kinetics().volume, [1, 0.45, 1])
    assert "volumes of compartments: c 1, n 0.45" in cut.notes
    assert "reversible: r1" in cut.notes


def test_a_column_that_never_changes_is_set_from_outside(tmp_path: Path) -> None:
    csv, path = tmp_path / "m.csv", stated(tmp_path, "reactions: {r1: A + W -> B}")
    csv.write_text("\n".join(["time,A,B,W", *(f"{t},{5 - t},{1 + t},55" for t in range(5))]))
    data, _ = import_measurements(csv, path, tmp_path / "data")
    assert (data.facts.metabolite_names, data.facts.inputs) == (("A", "B"), ("W",))
    assert "taken as set from outside, since they never change: W" in data.facts.network


def test_a_column_that_is_no_species_is_named_and_left_out(tmp_path: Path) -> None:
    csv, path = tmp_path / "m.csv", stated(tmp_path, "reactions: {r1: glucose -> ATP}")
    rows = (f"{t},{5 - t},{1 + t},1,2" for t in range(5))
    csv.write_text("\n".join(["time,glucse,atp [mM],citrate,note", *rows]))
    data, _ = import_measurements(csv, path, tmp_path / "data")
    assert data.facts.metabolite_names == ("ATP",)
    assert "columns that were found under another name: 'atp [mM]' is ATP" in data.facts.table
    unused = "columns that are no species of the network and were not read: 'glucse' (did you mean glucose?), 'citrate'"
    assert any(remark.startswith(unused) for remark in data.facts.table)


def test_a_table_of_other_species_is_refused_with_both_lists(tmp_path: Path) -> None:
    csv, path = tmp_path / "m.csv", stated(tmp_path, "reactions: {r1: X -> Y}")
    csv.write_text("\n".join(["time,A,B [mM]", *(f"{t},{5 - t},{1 + t}" for t in range(5))]))
    with pytest.raises(DatasetError, match=r"no column holds readings .*; columns: A, B \[mM\]; species: X, Y; give"):
        import_measurements(csv, path, tmp_path / "data")


def test_the_network_of_the_page_reads_as_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "real-data.md").read_text(encoding="utf-8").partition("## The network: a YAML file")[2]
    read = read_stated(stated(tmp_path, page.split("```")[1].removeprefix("text\n")))
    assert str(read.network.reactions["kinase"]) == "adp -> atp | kinase_e"
    assert str(read.network.reactions["adenylate"]) == "2 adp <-> atp + amp"
    assert read.network.conserved["nucleotides"].amount == 5.5
    assert read.inputs == {"insulin"}


def test_a_total_that_a_reaction_must_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    reactions = "reactions: {feed: -> A, r1: A -> B, r2: 2 B -> C, r3: C -> D}\n"
    path.write_text(reactions + "conserved: {all: A + B + 2 C, heavy: 5 C + D, free: E + F}\n")
    with pytest.raises(RegimeError) as refused:
        cut_down(path, read_stated(path), ("A", "B", "C", "D"))
    change = "but with any coefficients that they may have, these reactions change it"
    mend = "name all members of the total, mend the equations, or leave it out"
    assert str(refused.value).split("\n") == [
        f"--network {path}: 2 faults:",
        f"  1. key 'conserved.all' is 'A + B + 2 C', {change}: feed (-> A), r3 (C -> D); {mend}",
        f"  2. key 'conserved.heavy' is '5 C + D', {change}: r2 (2 B -> C), r3 (C -> D); {mend}",
    ]
    path.write_text("reactions: {r1: A -> B, r2: 2 B -> C, r3: C -> D}\nconserved: {all: A + B + 2 C + 2 D}\n")
    assert cut_down(path, read_stated(path), ("A", "B", "C", "D")).network.conserved["all"].weights["D"] == 2

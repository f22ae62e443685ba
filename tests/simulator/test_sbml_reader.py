"""Valid SBML files as they come: all that differs from the file is told, and none is called invalid."""

import re
from pathlib import Path

import pytest

from simulator.sbml import import_regime
from simulator.sbml_reader import read_network
from stoichloop.errors import RegimeError
from tests.simulator.published.kinetic_models import Model
from tests.simulator.sbml_files import Side, write_level_3

pytest.importorskip("libsbml")

AB = ({"A": 1}, {"B": 1})


@pytest.mark.parametrize(
    ("reaction", "kept", "told"),
    [
        (({"C": None}, {"D": 1}), None, "1 with a coefficient that the file does not state as a number (r)"),
        (({"A": None, "B": 1}, {"D": 1}), None, "1 with a coefficient that the file does not state as a number (r)"),
        (({"C": "NaN"}, {"D": 1}), None, "1 with a coefficient that the file does not state as a number (r)"),
        (({"C": "INF"}, {"D": 1}), None, "1 with a coefficient that is not an integer (r)"),
        (({"C": "1.0000000001"}, {"D": 1}), None, "1 with a coefficient that is not an integer (r)"),
        (({"C": 7}, {"D": 1}), None, "1 with a coefficient above 6 (r)"),
        (({"C": 1}, {}), None, "1 with one side only (r)"),
        (({}, {"C": 1}), None, "1 with one side only (r)"),
        (({"C": 0}, {"D": 1}), None, "1 with one side only but for coefficients of 0 (r)"),
        (({"C": 0, "A": 1}, {"D": 1}), {"A": -1, "D": 1}, "1 without species whose coefficient is 0 (r)"),
        (
            ({"E": 1, "A": 1}, {"E": 1, "D": 1}),
            {"A": -1, "D": 1},
            "1 with net coefficients of species on both sides (r)",
        ),
        (({"A": 1, "C": 1}, {"C": 2}), {"A": -1, "C": 1}, "1 with net coefficients of species on both sides (r)"),
        (({"C": 1}, {"C": 1, "D": 1}), None, "1 with one side only in net coefficients (r)"),
        (({"C": 1}, {"C": 1}), None, "1 with one side only in net coefficients (r)"),
        (({"X": 1}, {"D": 1}), None, "1 with one side only but for boundary species (r)"),
        (({"D": 1}, {"X": 1}), None, "1 with one side only but for boundary species (r)"),
        (({"X": 1, "A": 1}, {"D": 1}), {"A": -1, "D": 1}, "1 without boundary species (r)"),
        (({"X": None, "A": 1}, {"D": 1}), {"A": -1, "D": 1}, "1 without boundary species (r)"),
        (({"A": 1}, {"B": 1}), {"A": -1, "B": 1}, "1 equal to another reaction (r = first)"),
        (({"E": 1, "A": 1}, {"E": 1, "B": 1}), {"A": -1, "B": 1}, "1 equal to another reaction (r = first)"),
    ],
)
def test_what_is_left_out_or_changed_is_told_with_its_reason(
    tmp_path: Path, reaction: tuple[Side, Side], kept: dict[str, int] | None, told: str
) -> None:
    path = write_level_3(tmp_path / "model.xml", {"first": AB, "r": reaction}, boundary=("X",))
    regime = import_regime(path, tmp_path / "data")
    assert read_network(path).network.reactions.get("r") == kept
    assert told in regime.description
    left_out, changed = re.findall(r"Reactions (?:left out|kept otherwise than written): (.*?)\. ", regime.description)
    assert (left_out == "none") == (kept is not None)
    assert (changed == "none") == (kept is None)


def test_a_file_that_is_kept_as_it_is_says_so(tmp_path: Path) -> None:
    description = import_regime(write_level_3(tmp_path / "model.xml", {"r": AB}), tmp_path / "data").description
    assert description.endswith(
        "Reactions left out: none. Reactions kept otherwise than written: none. Species left out: none."
    )


def test_what_acts_on_rates_alone_is_named_though_no_modifier_is_listed(tmp_path: Path) -> None:
    model = Model(
        {"r": ("A -> B", "k * A * C"), "s": ("B <-> C", "k * (B - C)"), "t": ("C -> A", "k * C")},
        {"A": 1.0, "B": 1.0, "C": 1.0},
        parameters={"k": 0.1, "h": 0.0},
        rules={"h": "2 * k"},
        nucleus=("C",),
        events={"time > 5": ("k", "0.2")},
    )
    description = import_regime(model.write(tmp_path / "model.xml"), tmp_path / "data").description
    for told in (
        "1 in their written direction alone, though reversible (s)",
        "2 of different or changing volume (cell, nucleus)",
        "1 computed by rules (h)",
        "1 changed by events (k)",
    ):
        assert told in description


def test_a_species_in_a_rate_law_is_a_modifier_unless_it_is_a_participant(tmp_path: Path) -> None:
    model = Model({"r": ("A -> B", "A * C"), "t": ("C -> A", "0.1 * C")}, {"A": 1.0, "B": 1.0, "C": 1.0})
    description = import_regime(model.write(tmp_path / "model.xml"), tmp_path / "data").description
    assert "Reactions kept otherwise than written: 1 without their modifiers (r)." in description
    assert "Without effect" not in description


def test_species_left_out_are_named_and_an_exchange_of_the_user_is_no_other_reaction(tmp_path: Path) -> None:
    reactions: dict[str, tuple[Side, Side]] = {"r": AB, "EX_X": ({"X": 1}, {"A": 1}), "EX_D": ({"D": 1}, {})}
    read = read_network(write_level_3(tmp_path / "model.xml", reactions, boundary=("X",)))
    assert list(read.network.reactions) == ["r"]
    assert read.left_out == {"with one side only but for boundary species": ["EX_X"], "with one side only": ["EX_D"]}
    assert (read.boundary, read.dropped) == (["X"], ["D"])


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (("M_a", "M_b"), {"a", "b"}),
        (("M_x", "x"), {"M_x", "x"}),
        (("M_M_x", "M_x"), {"M_x", "x"}),
        (("M_", "x"), {"M_", "x"}),
        (("M_a__91__c__93__", "b"), {"a[c]", "b"}),
        (("a__32__b", "b"), {"a__32__b", "b"}),  # a name with a space could not be written in an equation
        (("a__43__", "__43__"), {"a+", "__43__"}),
        (("a__99999999__", "b"), {"a__99999999__", "b"}),
    ],
)
def test_names_are_ids_without_their_prefix_unless_two_would_be_alike(
    tmp_path: Path, ids: tuple[str, str], names: set[str]
) -> None:
    first, second = ids
    read = read_network(write_level_3(tmp_path / "model.xml", {"r": ({first: 1}, {second: 1})}))
    assert set(read.network.metabolite_names) == names
    assert set(read.names) == set(ids)


def test_reactions_whose_names_would_clash_keep_their_ids(tmp_path: Path) -> None:
    path = write_level_3(tmp_path / "model.xml", {"R_a": AB, "a": ({"B": 1}, {"A": 1})})
    assert read_network(path).network.reaction_names == ("R_a", "a")


def write_level_2(path: Path, reference: str = '<speciesReference species="A"/>', version: int = 4) -> Path:
    """Write a model of r, from what `reference` says to B, and of its reverse."""
    space = "http://www.sbml.org/sbml/level2" + (f"/version{version}" if version > 1 else "")
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="{space}" level="2" version="{version}">'
        '<model id="m"><listOfCompartments><compartment id="c"/></listOfCompartments><listOfSpecies>'
        '<species id="A" compartment="c"/><species id="B" compartment="c"/></listOfSpecies><listOfReactions>'
        f'<reaction id="r"><listOfReactants>{reference}</listOfReactants><listOfProducts>'
        '<speciesReference species="B"/></listOfProducts></reaction><reaction id="s"><listOfReactants>'
        '<speciesReference species="B"/></listOfReactants><listOfProducts><speciesReference species="A"/>'
        "</listOfProducts></reaction></listOfReactions></model></sbml>"
    )
    return path


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_every_version_of_level_2_is_read(tmp_path: Path, version: int) -> None:
    path = write_level_2(tmp_path / "model.xml", version=version)
    assert read_network(path).network.reactions == {"r": {"A": -1, "B": 1}, "s": {"A": 1, "B": -1}}


def test_the_second_version_of_level_3_is_read(tmp_path: Path) -> None:
    path = write_level_3(tmp_path / "model.xml", {"r": AB})
    text = path.read_text().replace("version1", "version2").replace('version="1"><model', 'version="2"><model')
    path.write_text(text.replace(' fast="false"', ""))
    assert read_network(path).network.reactions == {"r": {"A": -1, "B": 1}}


@pytest.mark.parametrize(
    ("reference", "coefficient"),
    [
        ('<speciesReference species="A" stoichiometry="2"/>', -2),
        ('<speciesReference species="A"/>', -1),
        ('<speciesReference species="A"/><speciesReference species="A"/>', -2),
        (
            '<speciesReference species="A"><stoichiometryMath><math xmlns="http://www.w3.org/1998/Math/MathML">'
            '<cn type="integer">3</cn></math></stoichiometryMath></speciesReference>',
            -3,
        ),
        (
            '<speciesReference species="A"><stoichiometryMath><math xmlns="http://www.w3.org/1998/Math/MathML">'
            "<ci>B</ci></math></stoichiometryMath></speciesReference>",
            None,
        ),
    ],
)
def test_level_2_states_coefficients_in_its_own_ways(tmp_path: Path, reference: str, coefficient: int | None) -> None:
    path = write_level_2(tmp_path / "model.xml", reference)
    assert read_network(path).network.reactions.get("r", {}).get("A") == coefficient


def test_level_1_names_species_in_its_own_way(tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2">'
        '<model name="m"><listOfCompartments><compartment name="c"/></listOfCompartments><listOfSpecies>'
        '<species name="A" compartment="c" initialAmount="1"/><species name="B" compartment="c" initialAmount="1"/>'
        '</listOfSpecies><listOfReactions><reaction name="r"><listOfReactants><speciesReference species="A" '
        'stoichiometry="4" denominator="2"/></listOfReactants><listOfProducts><speciesReference species="B"/>'
        "</listOfProducts></reaction></listOfReactions></model></sbml>"
    )
    assert read_network(path).network.reactions == {"r": {"A": -2, "B": 1}}


@pytest.mark.parametrize("text", ["hello", "", "<html/>", "<?xml version='1.0'?><sbml", "\udcff"])
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.xml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        RegimeError, match=r"cannot be read as an SBML model: line \d+: .*; save it again as SBML"
    ) as refusal:
        read_network(path)
    assert "\n" not in str(refusal.value)

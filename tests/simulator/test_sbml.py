import sys
from pathlib import Path

import pytest

from simulator.network_settings import ImportedNetwork
from simulator.regime import find_regime
from simulator.sbml import import_regime
from simulator.sbml_reader import read_network
from stoichloop.errors import RegimeError
from stoichloop.extras import how_to_install
from tests.simulator.sbml_files import EQUATIONS, write_sbml

cobra = pytest.importorskip("cobra")


def test_what_pde_m1_cannot_hold_is_left_out_and_named(tmp_path: Path) -> None:
    read = read_network(write_sbml(tmp_path / "small.xml", EQUATIONS))
    network, left_out = read.network, read.left_out
    assert network.reactions == {
        "FORWARD": {"a_c": -2, "b_c": -1, "c_c": 4},
        "REVERSIBLE": {"a_c": 1, "b_c": -1},
        "CARRIER": {"a_c": -1, "c_c": 1},
    }
    assert sorted(name for names in left_out.values() for name in names) == ["BIOMASS", "EX_c", "LUMPED", "SOURCE"]
    assert network.metabolite_names == ("a_c", "b_c", "c_c")  # d_c has no reaction left
    assert network.coefficients == (1, 2, 3, 4)
    assert not network.mass_balanced
    assert (network.max_substrates, network.max_products) == (2, 1)


def test_ecoli_core_is_the_textbook_model_of_cobrapy() -> None:
    read = read_network(Path(cobra.__file__).parent / "data" / "textbook.xml.gz")
    regime = find_regime("ecoli_core")
    assert isinstance(regime.network, ImportedNetwork)
    assert read.network.reactions == regime.network.reactions
    assert [len(names) for names in read.left_out.values()] == [2, 20]
    assert list(read.changed) == ["in their written direction alone, though reversible"]


def test_an_imported_regime_is_found_by_its_name_and_keeps_its_network(tmp_path: Path) -> None:
    file, data = write_sbml(tmp_path / "2nd Model.v1.xml", EQUATIONS), tmp_path / "data"
    regime = import_regime(file, data)
    assert regime.name == "n2nd_model_v1"
    assert import_regime(file, data) == regime == find_regime(regime.name, data)
    for word in ("BIOMASS", "EX_c", "LUMPED", "written direction"):
        assert word in regime.description
    write_sbml(file, {**EQUATIONS, "REVERSIBLE": "2 b_c <=> a_c"})
    with pytest.raises(RegimeError, match=r"n2nd_model_v1\.yaml was made from another network; rename the file"):
        import_regime(file, data)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("absent.xml", None, "there is no such file"),
        ("words.xml", "hello", "cannot be read as an SBML model"),
        ("ecoli_core.xml", {"R": "a_c --> b_c"}, "is the name of another regime; rename the file"),
        ("empty.xml", {"EX_a": "a_c -->"}, "has no reaction that turns metabolites into others"),
    ],
)
def test_a_file_that_makes_no_regime_is_refused(
    tmp_path: Path, name: str, text: str | dict[str, str] | None, words: str
) -> None:
    file = tmp_path / name
    if isinstance(text, dict):
        write_sbml(file, text)
    elif text is not None:
        file.write_text(text)
    with pytest.raises(RegimeError, match=words):
        import_regime(file, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_without_libsbml_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libsbml", None)
    with pytest.raises(RegimeError, match=how_to_install("networks")):
        import_regime(tmp_path / "any.xml", tmp_path)

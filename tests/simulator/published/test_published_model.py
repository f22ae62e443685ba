from pathlib import Path

import pytest

from simulator.published.published_model import PublishedModel, read_published
from stoichloop.errors import RegimeError
from tests.simulator.published.kinetic_models import Model

pytest.importorskip("libsbml")

INITIAL = {"A": 2.0, "B": 1.0, "C": 0.5, "X": 3.0}


def reading(tmp_path: Path, model: Model) -> PublishedModel:
    return read_published(model.write(tmp_path / "model.xml"))


def test_a_species_in_a_rate_alone_is_a_regulator(tmp_path: Path) -> None:
    read = reading(tmp_path, Model({"r": ("A -> B", "A / (1 + C)"), "s": ("B -> C", "B")}, INITIAL))
    assert read.network.regulators == {"r": ("C",)}
    assert read.network.reactions["r"] == {"A": -1, "B": 1}


def test_a_catalyst_on_both_sides_is_a_regulator(tmp_path: Path) -> None:
    read = reading(tmp_path, Model({"r": ("A + C -> B + C", "A * C"), "s": ("B -> C", "B")}, INITIAL))
    assert read.network.reactions["r"] == {"A": -1, "B": 1}
    assert read.network.regulators == {"r": ("C",)}


@pytest.mark.parametrize(
    ("equation", "rate", "reversible", "regulators"),
    [
        ("A <-> B", "2 * A - B", ("r",), {}),
        ("A <-> B", "2 * A", (), {}),
        ("A -> B", "A / (1 + B)", (), {"r": ("B",)}),  # inhibited by its product
    ],
)
def test_a_reaction_is_reversible_where_its_products_drive_it_back(
    tmp_path: Path, equation: str, rate: str, reversible: tuple[str, ...], regulators: dict[str, tuple[str, ...]]
) -> None:
    network = reading(tmp_path, Model({"r": (equation, rate)}, INITIAL)).network
    assert (network.reversible, network.regulators) == (reversible, regulators)


def test_a_quantity_that_time_alone_moves_is_an_input(tmp_path: Path) -> None:
    model = Model({"r": ("A -> B", "epo * A")}, INITIAL, parameters={"epo": 0.0}, rules={"epo": "exp(-time)"})
    network = reading(tmp_path, model).network
    assert network.inputs == ("epo",)
    assert network.regulators == {"r": ("epo",)}


def test_a_pool_by_a_rule_is_what_it_sums(tmp_path: Path) -> None:
    model = Model(
        {"r": ("A -> B", "A / total"), "s": ("B -> C", "B")},
        INITIAL,
        parameters={"total": 0.0},
        rules={"total": "B + C"},
    )
    read = reading(tmp_path, model)
    assert read.network.regulators["r"] == ("B", "C")
    assert read.network.inputs == ()


def test_exchange_and_boundary_species_leave_columns_of_one_entry(tmp_path: Path) -> None:
    model = Model({"feed": ("X -> A", "X"), "r": ("A -> B", "A"), "out": ("B ->", "B")}, INITIAL, boundary=["X"])
    read = reading(tmp_path, model)
    assert read.network.reactions == {"feed": {"A": 1}, "r": {"A": -1, "B": 1}, "out": {"B": -1}}
    assert "X" in next(iter(read.taken.values()))


def test_columns_are_made_primitive_and_the_factor_kept(tmp_path: Path) -> None:
    model = Model({"r": ("2 A -> 2 B", "A"), "s": ("0.5 A -> B", "A"), "t": ("0.123 A -> B", "A")}, INITIAL)
    read = reading(tmp_path, model)
    assert read.network.reactions == {"r": {"A": -1, "B": 1}, "s": {"A": -1, "B": 2}}
    assert read.divisors == {"r": 2.0, "s": 0.5}
    assert ["t"] in read.left_out.values()


def test_the_alphabet_is_not_the_answer(tmp_path: Path) -> None:
    assert reading(tmp_path, Model({"r": ("A -> B", "A")}, INITIAL)).network.coefficients == (1, 2)


def test_events_move_inputs_and_are_left_out_where_they_move_metabolites(tmp_path: Path) -> None:
    model = Model(
        {"r": ("A -> B", "k * A")},
        INITIAL,
        parameters={"k": 1.0},
        events={"time > 1": ("k", "2"), "time > 2": ("A", "5")},
    )
    read = reading(tmp_path, model)
    assert read.network.inputs == ("k",)
    assert ["of A"] in read.left_out.values()
    assert read.sbml.count("<eventAssignment ") == 1


def test_compartments_are_volumes(tmp_path: Path) -> None:
    model = Model({"import": ("A -> B", "A")}, INITIAL, nucleus=["B"])
    assert reading(tmp_path, model).network.volumes == {"A": 1.0, "B": 0.4}


def test_in_a_volume_that_changes_concentrations_depend_on_an_input(tmp_path: Path) -> None:
    reactions = {"import": ("A -> B", "A"), "use": ("B -> C", "B")}
    model = Model(reactions, INITIAL, nucleus=["B"], rules={"nucleus": "0.4 * exp(0.1 * time)"})
    read = reading(tmp_path, model)
    assert read.amounts == {"B": "nucleus"}
    assert read.network.volumes == {"A": 1.0, "B": 1.0, "C": 1.0}
    assert read.network.regulators == {"use": ("nucleus",)}
    assert read.network.inputs == ("nucleus",)


def test_a_volume_that_a_rule_keeps_constant_is_no_input(tmp_path: Path) -> None:
    read = reading(tmp_path, Model({"use": ("A -> B", "A")}, INITIAL, rules={"cell": "2 * 3"}))
    assert read.amounts == {"A": "cell", "B": "cell"}
    assert read.network.inputs == ()


def test_a_model_without_rate_laws_is_refused(tmp_path: Path) -> None:
    model = Model({"r": ("X -> X", "X")}, INITIAL, boundary=["X"])
    with pytest.raises(RegimeError, match=r"no reaction can be simulated \(r: reactions that change no metabolite\)"):
        reading(tmp_path, model)

from pathlib import Path

import numpy as np
import pytest
import yaml

from simulator.measured_regime import all_known
from simulator.network import graph_of, stoichiometry_of
from simulator.network_settings import ImportedNetwork
from simulator.regime import REGIME_FOLDER, Trajectories, find_regime, read_regime
from stoichloop.errors import RegimeError


def write_regime(folder: Path, **changes: object) -> Path:
    content = yaml.safe_load((REGIME_FOLDER / "pde_m1_tiny.yaml").read_text())
    for key, value in changes.items():
        section, _, leaf = key.partition("__")
        (content[section] if leaf else content)[leaf or section] = value
    path = folder / "pde_m1_tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_main_regime_has_the_size_it_promises() -> None:
    regime = find_regime("pde_m1")
    assert (len(regime.network.metabolite_names), len(regime.network.reaction_names)) == (100, 256)
    assert isinstance(regime.trajectories, Trajectories)
    assert regime.trajectories.count * regime.trajectories.frames == 2880
    assert {"pde_m1", "pde_m1_tiny"} <= {known.name for known in all_known()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"colour": "red"},
            ["key 'colour'", "'red'", "leave the key out, or use one of name, title, description, seed"],
        ),
        ({"network__metabolites": 0}, ["key 'network.metabolites'", "0", "greater than 0"]),
        ({"network__metabolites": 3}, ["max_substrates + max_products"]),
        ({"trajectories__floor": 9.0}, ["floor < initial[0]"]),
        ({"kinetics__rate_spread": float("inf")}, ["kinetics.rate_spread"]),
        ({"seed": 7}, ["key 'seed'"]),
        ({"training": [4000]}, ["key 'training' with value [4000]", "write one 'name: value' a line"]),
        ({"training": {"full_steps": 9, "half": 3}}, ["key 'training.half' with value 3", "; leave the key out"]),
        (
            {"observation__dcdt_given": False, "observation__dcdt_noise": 0.1},
            ["key 'observation'", "dcdt_noise must be 0"],
        ),
        ({"network": {"source": "me", "reactions": {}}}, ["key 'network.reactions'"]),
        ({"network": {"source": "me", "reactions": {"R": {"a": -1, "b": 0.5}}}}, ["key 'network.reactions.R.b'"]),
        ({"network": {"source": "me", "reactions": {"EX_a": {"a": -1}}}}, ["reaction 'EX_a'", "a product"]),
        ({"name": "other"}, ["key 'name'", "'other'", "pde_m1_tiny"]),
    ],
)
def test_a_malformed_regime_is_refused_with_file_key_and_value(
    tmp_path: Path, change: dict[str, object], words: list[str]
) -> None:
    path = write_regime(tmp_path, **change)
    with pytest.raises(RegimeError) as refusal:
        read_regime(path)
    for word in [str(path), *words]:
        assert word in str(refusal.value)


@pytest.mark.parametrize("text", ["a: [", "just text", "\x00"])
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(RegimeError, match=r"broken\.yaml"):
        read_regime(path)


@pytest.mark.parametrize("name", ["nothing", "../regimes/pde_m1", "."])
def test_an_unknown_regime_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(RegimeError, match=r"known regimes: .*pde_m1"):
        find_regime(name)


def test_an_imported_network_states_what_a_drawn_one_does(tmp_path: Path) -> None:
    reactions = {"R2": {"b": -1, "a": 1}, "R1": {"a": -2, "c": 1, "b": 1}}
    regime = read_regime(write_regime(tmp_path, network={"source": "a paper", "reactions": reactions}))
    network = regime.network
    assert (network.coefficients, network.mass_balanced) == ((1, 2), True)
    assert (network.max_substrates, network.max_products) == (1, 2)
    matrix = stoichiometry_of(network, np.random.default_rng(0))
    assert matrix.tolist() == [[-2, 1], [1, -1], [1, 0]]  # a, b, c in R1, R2
    assert graph_of(matrix).n_reactions == 2
    assert regime.sibling(1).network == network


def test_the_stoichiometry_of_an_imported_network_is_in_the_fingerprint_and_its_source_is_not(tmp_path: Path) -> None:
    def fingerprint(source: str, coefficient: int) -> str:
        network = {"source": source, "reactions": {"R": {"a": -1, "b": coefficient}}}
        return read_regime(write_regime(tmp_path, network=network)).fingerprint()

    assert fingerprint("here", 1) == fingerprint("there", 1) != fingerprint("here", 2)


def test_regimes_of_the_user_are_found_beside_those_of_the_program(tmp_path: Path) -> None:
    content = yaml.safe_load((REGIME_FOLDER / "pde_m1_tiny.yaml").read_text())
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**content, "name": "mine"}))
    assert find_regime("mine", tmp_path).network == find_regime("pde_m1_tiny").network
    assert [regime.name for regime in all_known(tmp_path)][-1] == "mine"


def test_ecoli_core_has_names_and_reactions_that_cannot_be_told_apart() -> None:
    network = find_regime("ecoli_core").network
    assert isinstance(network, ImportedNetwork)
    assert (len(network.metabolite_names), len(network.reaction_names)) == (72, 73)
    assert network.coefficients == (1, 2, 3, 4)
    substrates = [{m for m, s in network.reactions[name].items() if s < 0} for name in ("MDH", "ME1")]
    assert substrates[0] == substrates[1] == {"mal__L_c", "nad_c"}

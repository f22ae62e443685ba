from pathlib import Path

import pytest
import yaml

from simulator.regime import REGIME_FOLDER, RegimeError, all_regimes, find_regime, read_regime


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
    assert regime.trajectories.count * regime.trajectories.frames == 2880
    assert {"pde_m1", "pde_m1_tiny"} <= {known.name for known in all_regimes()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, ["key 'colour'", "'red'"]),
        ({"network__metabolites": 0}, ["key 'network.metabolites'", "0", "greater than 0"]),
        ({"network__metabolites": 3}, ["max_substrates + max_products"]),
        ({"trajectories__floor": 9.0}, ["floor < initial[0]"]),
        ({"kinetics__rate_spread": float("inf")}, ["kinetics.rate_spread"]),
        ({"seed": 7}, ["key 'seed'"]),
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

import hashlib
import json
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from simulator import dataset as module
from simulator.dataset import Dataset, freeze, prepare, verify
from simulator.generate import simulate
from simulator.regime import Kinetics, Observation, Regime
from stoichloop.errors import DatasetError


@pytest.fixture
def copy(tiny: Dataset, tmp_path: Path) -> Dataset:
    """Return a dataset that a test may damage."""
    shutil.copytree(tiny.folder, tmp_path / tiny.regime.name)
    return verify(tiny.regime, tmp_path)


def test_prepare_generates_once_and_verifies_afterwards(copy: Dataset) -> None:
    dataset, generated = prepare(copy.regime, copy.folder.parent)
    assert not generated
    assert dataset.manifest == copy.manifest


def test_observations_hold_the_graph_and_the_frames_and_nothing_else(tiny: Dataset) -> None:
    with np.load(tiny.observations_path, allow_pickle=False) as observations:
        assert set(observations) == {
            "n_metabolites",
            "n_reactions",
            "met_sub",
            "rxn_sub",
            "met_all",
            "rxn_all",
            "sub_to_all",
            "role",
            "alphabet",
            "mass_balanced",
            "max_substrates",
            "max_products",
            "may_be_absent",
            "time",
            "concentration",
            "dcdt",
        }
    assert str(tiny.regime.seed).encode() not in tiny.observations_path.read_bytes()
    assert str(tiny.regime.seed) not in (tiny.folder / "manifest.json").read_text()


def test_data_from_before_a_key_was_introduced_are_refused_by_its_name(copy: Dataset) -> None:
    settings = {key: value for key, value in copy.regime.simulation().items() if key != "observation.decoys"}
    (copy.folder / module.SETTINGS).write_text(json.dumps(settings))
    digest = hashlib.sha256((copy.folder / module.SETTINGS).read_bytes()).hexdigest()
    old = {"files": {**copy.manifest.files, module.SETTINGS: digest}, "regime_fingerprint": "of old"}
    (copy.folder / "manifest.json").write_text(copy.manifest.model_copy(update=old).model_dump_json())
    with pytest.raises(DatasetError, match=r"observation\.decoys \(frozen None, now 0\.0\);.* move .* away"):
        verify(copy.regime, copy.folder.parent)


def test_the_sealed_folder_is_for_its_owner_alone(tiny: Dataset) -> None:
    sealed = tiny.folder / "sealed"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in sealed.iterdir()} == {0o600}


@pytest.mark.parametrize("name", module._FILES)
def test_one_changed_byte_is_refused_by_name(copy: Dataset, name: str) -> None:
    path = copy.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="was changed after it was frozen") as refusal:
        verify(copy.regime, copy.folder.parent)
    assert str(path) in str(refusal.value)


def test_a_missing_file_and_a_broken_manifest_are_refused_by_name(copy: Dataset) -> None:
    copy.observations_path.unlink()
    with pytest.raises(DatasetError, match=r"observations\.npz: the file is missing"):
        verify(copy.regime, copy.folder.parent)
    (copy.folder / "manifest.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"manifest\.json: missing or malformed"):
        verify(copy.regime, copy.folder.parent)


def test_a_manifest_that_leaves_out_a_file_is_refused(copy: Dataset) -> None:
    files = {name: digest for name, digest in copy.manifest.files.items() if name != module.TRUTH}
    (copy.folder / "manifest.json").write_text(copy.manifest.model_copy(update={"files": files}).model_dump_json())
    with pytest.raises(DatasetError, match=r"manifest\.json: missing or malformed"):
        verify(copy.regime, copy.folder.parent)


def test_a_regime_that_no_longer_matches_its_data_is_refused_by_key(copy: Dataset) -> None:
    kinetics = Kinetics(**{**copy.regime.kinetics.model_dump(), "rate_spread": 1.25})
    changed = copy.regime.model_copy(update={"kinetics": kinetics, "seed": copy.regime.seed + 1})
    with pytest.raises(DatasetError, match=r"kinetics\.rate_spread \(frozen 1\.5, now 1\.25\), seed;") as refusal:
        verify(changed, copy.folder.parent)
    assert str(copy.regime.seed) not in str(refusal.value)


def test_words_and_training_budget_may_change_without_new_data(copy: Dataset) -> None:
    reworded = copy.regime.model_copy(update={"title": "said better"})
    assert verify(reworded, copy.folder.parent).manifest == copy.manifest


def test_a_failed_generation_leaves_nothing(tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_path: Path) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(module, "_sha256", full_disk)
    with pytest.raises(OSError, match="no space"):
        prepare(tiny.regime, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_veil_changes_what_is_shown_and_nothing_else(tiny: Dataset, veiled: Dataset) -> None:
    for clear, dim in zip([*tiny.observed, *tiny.heldout], [*veiled.observed, *veiled.heldout], strict=True):
        np.testing.assert_array_equal(dim.concentration, clear.concentration)
        np.testing.assert_array_equal(dim.dcdt, clear.dcdt)
    matrix = tiny.truth.graph.matrix(tiny.truth.sto_all)
    np.testing.assert_array_equal(veiled.truth.graph.matrix(veiled.truth.sto_all), matrix)
    assert veiled.facts.edges == len(veiled.truth.sto_all)
    assert veiled.facts.true_edges == tiny.facts.edges
    assert veiled.facts.rate_variation == pytest.approx(tiny.facts.rate_variation, rel=1e-12)


def test_observations_of_a_veiled_network_give_the_truth_away_in_no_array(veiled: Dataset) -> None:
    told, truth = veiled.regime.observation.roles_told, veiled.truth.sto_all
    with np.load(veiled.observations_path, allow_pickle=False) as observations:
        shown = dict(observations)
    assert bool(shown["may_be_absent"]) == (truth == 0).any()
    assert set(np.unique(shown["role"])) == ({-1, 1} if told else {0})
    np.testing.assert_array_equal(shown["sub_to_all"], np.flatnonzero(shown["role"] <= 0))
    np.testing.assert_array_equal(shown["met_sub"], shown["met_all"][shown["sub_to_all"]])
    np.testing.assert_array_equal(shown["rxn_sub"], shown["rxn_all"][shown["sub_to_all"]])
    # Sorted by reaction and then by metabolite.
    assert (np.diff(shown["rxn_all"] * shown["n_metabolites"] + shown["met_all"]) > 0).all()


def test_the_loaded_truth_is_the_simulated_one(tiny: Dataset, tmp_path: Path) -> None:
    regime: Regime = tiny.regime
    again, generated = prepare(regime, tmp_path)
    assert generated
    assert again.manifest.files == tiny.manifest.files


def test_where_dcdt_is_not_given_it_is_nowhere_in_the_observations(tiny: Dataset, tmp_path: Path) -> None:
    observation = Observation(dcdt_noise=0.0, concentration_noise=0.01, dcdt_given=False, decoys=0.0, roles_told=True)
    regime = tiny.regime.model_copy(update={"observation": observation})
    dataset = freeze(regime, simulate(regime), tmp_path)
    with np.load(dataset.observations_path, allow_pickle=False) as given:
        assert "dcdt" not in given
        assert given["time"].shape == given["concentration"].shape[:2]
    assert np.isnan(dataset.observed[0].dcdt).all()
    np.testing.assert_array_equal(dataset.heldout[0].dcdt, tiny.heldout[0].dcdt)
    # What can be found is a matter of the trajectories, not of how they were read.
    assert dataset.facts == tiny.facts

"""Comparison of frozen data by value."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulator.comparison import TOLERANCE, compare
from simulator.dataset import HELDOUT, MANIFEST, OBSERVATIONS, TRUTH, Arrays, Dataset, read_arrays, write
from simulator.provenance import made_with
from stoichloop.errors import DatasetError


def frozen_elsewhere(tiny: Dataset, root: Path, change: Callable[[str, Arrays], None]) -> Path:
    """The data of the tiny regime, with the arrays of each file changed before they were frozen."""
    arrays = {name: read_arrays(tiny.folder / name) for name in tiny.manifest.files if name.endswith(".npz")}
    for name, content in arrays.items():
        change(name, content)
    write(tiny.regime, root, arrays, tiny.facts)
    return root / tiny.regime.name


def rounded(_name: str, content: Arrays) -> None:
    for key, array in content.items():
        if array.dtype.kind == "f":
            content[key] = array * (1 + 1e-13)


def refit(name: str, content: Arrays) -> None:
    if name == OBSERVATIONS:
        content["dcdt"] = content["dcdt"] * (1 + 10 * TOLERANCE)


def other_coefficient(name: str, content: Arrays) -> None:
    if name == TRUTH:
        content["sto_all"] = content["sto_all"] + (np.arange(len(content["sto_all"])) == 3)


def fewer_frames(name: str, content: Arrays) -> None:
    if name == HELDOUT:
        content["time"] = content["time"][:, :-1]


def unknown_values(name: str, content: Arrays) -> None:
    if name == OBSERVATIONS:
        content["dcdt"] = np.full_like(content["dcdt"], np.nan)


def without_array(name: str, content: Arrays) -> None:
    if name == OBSERVATIONS:
        del content["dcdt"]


def test_the_manifest_names_what_made_the_data(tiny: Dataset) -> None:
    assert tiny.manifest.made_with == made_with()
    assert tiny.manifest.made_with["numpy"] == np.__version__
    assert all(tiny.manifest.made_with.values())


def test_a_copy_is_equal_byte_for_byte(tiny: Dataset, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path / "copy")
    found = compare(tiny.folder, tmp_path / "copy")
    assert found.equal
    assert found.sentence() == "equal byte for byte"


def test_other_last_bits_are_equal_to_rounding(tiny: Dataset, tmp_path: Path) -> None:
    found = compare(tiny.folder, frozen_elsewhere(tiny, tmp_path, rounded))
    assert found.equal
    assert not found.identical
    assert found.sentence().startswith("equal to rounding: differences are at most 1e-13, in ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (refit, "different in 1 of .* arrays, most in observations.npz: dcdt: by 1e-07, more than 1e-08"),
        (other_coefficient, "different in 1 of .* most in sealed/truth.npz: sto_all: its shape or its integers"),
        (fewer_frames, "different in 1 of .* most in sealed/heldout.npz: time: its shape or its integers"),
        (unknown_values, "different in 1 of .* most in observations.npz: dcdt"),
        (without_array, "different in 1 of .* most in observations.npz: dcdt"),
    ],
)
def test_what_differs_by_more_is_named(
    tiny: Dataset, tmp_path: Path, change: Callable[[str, Arrays], None], words: str
) -> None:
    found = compare(tiny.folder, frozen_elsewhere(tiny, tmp_path, change))
    assert not found.equal
    assert re.search(words, found.sentence())


def test_other_settings_are_named_without_secrets(tiny: Dataset, tmp_path: Path) -> None:
    observation = tiny.regime.observation.model_copy(update={"dcdt_noise": 0.5})
    regime = tiny.regime.model_copy(update={"observation": observation, "seed": tiny.regime.seed + 1})
    arrays = {name: read_arrays(tiny.folder / name) for name in tiny.manifest.files if name.endswith(".npz")}
    write(regime, tmp_path, arrays, tiny.facts)
    found = compare(tiny.folder, tmp_path / regime.name)
    assert not found.equal
    assert found.sentence() == "made with other settings: observation.dcdt_noise (here 0.0, there 0.5), seed"


def test_versions_that_differ_are_named(tiny: Dataset, tmp_path: Path) -> None:
    other = frozen_elsewhere(tiny, tmp_path, rounded)
    manifest = tiny.manifest.made_with | {"numpy": "1.0"}
    text = (other / MANIFEST).read_text().replace(f'"numpy": "{np.__version__}"', '"numpy": "1.0"')
    (other / MANIFEST).write_text(text)
    assert compare(tiny.folder, other).versions == (f"numpy {np.__version__} / {manifest['numpy']}",)


def test_only_what_the_other_folder_holds_is_compared(tiny: Dataset, tmp_path: Path) -> None:
    other = frozen_elsewhere(tiny, tmp_path, rounded)
    shutil.rmtree(other / "sealed")
    found = compare(tiny.folder, other)
    assert found.equal
    assert set(found.missing) == set(tiny.manifest.files) - {OBSERVATIONS}
    assert "without sealed/truth.npz" in found.sentence()
    (other / OBSERVATIONS).unlink()
    with pytest.raises(DatasetError, match="holds no arrays to compare with; give a folder of frozen data"):
        compare(tiny.folder, other)


def test_what_is_no_frozen_data_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"manifest\.json: missing or malformed; give a folder of frozen data"):
        compare(tiny.folder, tmp_path)
    shutil.copytree(tiny.folder, tmp_path / "copy")
    (tmp_path / "copy" / OBSERVATIONS).write_bytes(b"")
    with pytest.raises(DatasetError, match="was changed after it was frozen"):
        compare(tiny.folder, tmp_path / "copy")

"""The tables of docs/trial-contract.md, compared with the files of a real trial."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator.dataset import Dataset, prepare
from simulator.measured.measurements import Measurements, import_measurements
from simulator.regime import find_regime
from tests.conftest import ROOT, train

PAGE = (ROOT / "docs" / "trial-contract.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """Return the first table under a heading: each name in backticks with the other cells of its row."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \| (.*) \|$", section, flags=re.MULTILINE)
    return {name: cells.split(" | ") for *names, cells in found for name in names if name}


def described(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of each array in an .npz file."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: (str(array.dtype), array.shape) for name, array in arrays.items()}


def documented(heading: str, sizes: dict[str, int]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of each array as the page has them, with the letters replaced by their sizes."""
    return {
        name: (dtype, tuple(sizes[letter] for letter in re.findall(r"\w+", shape)))
        for name, (dtype, shape, *_) in rows(heading).items()
    }


def sizes_of(data: Dataset | Measurements) -> dict[str, int]:
    graph, regime = data.graph, data.regime
    frames, metabolites = data.observed[0].concentration.shape
    return {
        "N": metabolites,
        "R": graph.n_reactions,
        "E": len(graph.met_all),
        "E_sub": int((graph.role <= 0).sum()),
        "A": len(regime.constraints.alphabet),
        "T": len(data.observed),
        "F": frames,
    }


def test_the_observations_are_those_of_the_page(tiny: Dataset) -> None:
    assert described(tiny.observations_path) == documented("observations.npz", sizes_of(tiny))


def test_the_observations_of_other_kinetics_are_those_of_the_page(tmp_path: Path) -> None:
    regime = find_regime("mixed_tiny")
    few = regime.trajectories.model_copy(update={"count": 4, "heldout": 1, "frames": 20})
    data, _ = prepare(regime.model_copy(update={"trajectories": few}), tmp_path)
    sizes = sizes_of(data) | {"G": len(data.stated.met_reg), "U": data.observed[0].inputs.shape[1]}
    expected = documented("observations.npz", sizes) | documented("observations.npz of other kinetics", sizes)
    del expected["dcdt"]
    assert described(data.observations_path) == expected


def test_the_observations_of_measurements_are_those_of_the_page(pathway: Measurements, tmp_path: Path) -> None:
    sizes = sizes_of(pathway) | {"G": 0, "U": 0}
    expected = documented("observations.npz", sizes) | documented("observations.npz of other kinetics", sizes)
    del expected["dcdt"]  # nothing but c(t) was measured
    del expected["inputs"]
    assert described(pathway.observations_path) == expected
    csv, network = tmp_path / "m.csv", tmp_path / "net.yaml"
    csv.write_text("time,A,B,C\n0,1,5,\n1,2,4,<1\n2,3,3,1\n3,4,2,2\n4,5,1,3\n")
    network.write_text("reactions:\n  r: 2 A + U -> B\n  s: ?n A -> ?n C\nconserved: {all: A + B + C}\n")
    found, _ = import_measurements(csv, network, tmp_path / "data")
    extra = documented("observations.npz of measurements", sizes_of(found) | {"K": 1})
    assert extra.items() <= described(found.observations_path).items()


@pytest.fixture(scope="module")
def trial(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a short trial."""
    folder = tmp_path_factory.mktemp("contract") / "trial"
    assert train(tiny, folder, steps=3).returncode == 0
    return folder


def test_an_estimate_is_that_of_the_page(tiny: Dataset, trial: Path) -> None:
    found = described(trial / "estimate.npz")
    grids = {"C": "substrate_func_c", "M": "substrate_func_s", "H": "rate_func_h"}
    chosen = {letter: found[name][1][0] for letter, name in grids.items()}
    assert found == documented("estimate.npz", sizes_of(tiny) | chosen)


def test_a_curve_has_the_keys_of_the_page(trial: Path) -> None:
    first, *_ = (trial / "curves.jsonl").read_text().splitlines()
    assert json.loads(first).keys() == rows("curves.jsonl").keys()


def printed_by(*arguments: str) -> str:
    """Return the output of a module of `gnn`."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_arguments_are_those_of_the_page() -> None:
    asked = set(re.findall(r"^\s+(--\w+)", printed_by("gnn.train", "--help"), flags=re.MULTILINE))
    assert asked == set(re.findall(r"^\| `(--\w+)` \|", PAGE, flags=re.MULTILINE))


def test_a_field_of_the_search_space_has_the_keys_of_the_page() -> None:
    fields = json.loads(printed_by("gnn.config"))
    assert {key for field in fields.values() for key in field} == rows("python -m gnn.config").keys()

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.diagnostics.diagnose import diagnose
from simulator.dataset import Dataset
from tests.agent.analyzer.scoring.estimates import true_estimate, write_estimate


@pytest.fixture
def shown(tiny: Dataset, tmp_path: Path) -> Path:
    """The observations alone: whoever reads a sealed file beside them fails."""
    path = tmp_path / "observations.npz"
    path.write_bytes(tiny.observations_path.read_bytes())
    return path


def test_a_perfect_estimate_has_nothing_to_mend(tiny: Dataset, shown: Path, tmp_path: Path) -> None:
    write_estimate(true_estimate(tiny), tmp_path / "estimate.npz")
    found = diagnose(tmp_path / "estimate.npz", shown)
    assert found is not None
    assert found.error == pytest.approx(0.0, abs=1e-3)
    assert found.errors[0][1] < 1e-2
    assert found.against_role == {"substrates": 0, "products": 0}
    assert sum(found.edges.values()) == len(tiny.graph.role)
    assert found.distance == pytest.approx(0.0, abs=1e-12)
    assert found.imbalance == pytest.approx(0.0, abs=1e-12)
    assert found.decoded.keys() == {1, 2}


def test_faults_show_where_they_are(tiny: Dataset, shown: Path, tmp_path: Path) -> None:
    perfect = true_estimate(tiny)
    sto_all, edge = perfect.sto_all.copy(), int(np.flatnonzero(tiny.graph.role < 0)[0])
    sto_all[edge] *= -1
    write_estimate(replace(perfect, sto_all=sto_all), tmp_path / "estimate.npz")
    found = diagnose(tmp_path / "estimate.npz", shown)
    assert found is not None
    assert found.against_role == {"substrates": 1, "products": 0}
    assert found.errors[0][0] == tiny.graph.met_all[edge]
    assert found.imbalance > 0.01


def test_of_a_broken_estimate_nothing_is_known(shown: Path, tmp_path: Path) -> None:
    assert diagnose(tmp_path / "estimate.npz", shown) is None
    (tmp_path / "broken.npz").write_bytes(b"PK")
    assert diagnose(tmp_path / "broken.npz", shown) is None


def test_without_dcdt_and_roles_the_rest_is_told(veiled: Dataset, tmp_path: Path) -> None:
    with np.load(veiled.observations_path) as arrays:
        np.savez(tmp_path / "observations.npz", **{name: arrays[name] for name in arrays if name != "dcdt"})
    write_estimate(true_estimate(veiled), tmp_path / "estimate.npz")
    found = diagnose(tmp_path / "estimate.npz", tmp_path / "observations.npz")
    assert found is not None
    assert (found.error, found.errors) == (None, ())
    assert ("edges of unknown role" in found.edges) == (not veiled.regime.observation.roles_told)

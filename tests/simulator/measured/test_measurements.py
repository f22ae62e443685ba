"""Measurements as frozen data without truth."""

import stat
from pathlib import Path

import numpy as np
import pytest
import yaml

from simulator.measured.csv_table import read_table
from simulator.measured.measurements import Measurements, find_measurements, import_measurements
from simulator.measured_regime import Measured, all_known, find_known
from stoichloop.errors import DatasetError, RegimeError
from tests.conftest import EXAMPLE


def test_the_example_is_frozen_like_any_other_data_but_for_the_truth(pathway: Measurements) -> None:
    assert pathway.regime == find_known("pathway", pathway.folder.parent)
    assert pathway.manifest.truth is None
    assert sorted(pathway.manifest.files) == [
        "observations.npz",
        *(f"sealed/{name}" for name in ("facts.json", "heldout.npz", "regime.json")),
    ]
    assert stat.S_IMODE((pathway.folder / "sealed").stat().st_mode) == 0o700
    table, facts = read_table(EXAMPLE / "pathway.csv"), pathway.facts
    assert facts.metabolite_names == table.metabolites
    assert (facts.trajectories, facts.heldout_trajectories, facts.edges) == (12, 3, 20)
    assert 0.001 < np.median(facts.noise) < 0.01  # it was made with 0.003
    kept = [course for place, course in enumerate(table.courses) if place not in (2, 7, 12)]
    for trajectory, course in zip(pathway.observed, kept, strict=True):
        np.testing.assert_array_equal(trajectory.concentration, course.concentration)
        assert np.isnan(trajectory.dcdt).all()


def test_what_is_kept_back_is_smooth_and_has_slopes(pathway: Measurements) -> None:
    course, trajectory = read_table(EXAMPLE / "pathway.csv").courses[7], pathway.heldout[1]
    change = trajectory.concentration - course.concentration
    assert 0 < np.sqrt(np.mean(change**2)) < 0.02
    walked = np.trapezoid(trajectory.dcdt, trajectory.time, axis=0)
    np.testing.assert_allclose(walked, trajectory.concentration[-1] - trajectory.concentration[0], atol=0.05)


def test_the_same_files_are_found_again_and_others_refused(pathway: Measurements, tmp_path: Path) -> None:
    csv, network = tmp_path / "My Data.csv", tmp_path / "net.yaml"
    text = (EXAMPLE / "pathway.csv").read_text().splitlines()
    csv.write_text("\n".join(text[:61]))
    network.write_text((EXAMPLE / "pathway.yaml").read_text())
    data, frozen = import_measurements(csv, network, tmp_path / "data")
    assert frozen
    assert (data.regime.name, data.facts.trajectories, data.facts.heldout_trajectories) == ("my_data", 1, 1)
    assert [known.name for known in all_known(tmp_path / "data")][-1] == "my_data"
    assert import_measurements(csv, network, tmp_path / "data") == (data, False)
    csv.write_text("\n".join(text[:91]))
    with pytest.raises(RegimeError, match=r"my_data\.yaml was made from other files; rename this one, or move"):
        import_measurements(csv, network, tmp_path / "data")


def test_words_and_the_budget_may_change_and_what_is_gone_cannot_be_made_anew(
    pathway: Measurements, tmp_path: Path
) -> None:
    content = pathway.regime.model_dump(mode="json") | {"title": "mine", "training": {"full_steps": 7}}
    (tmp_path / "pathway.yaml").write_text(yaml.safe_dump(content))
    regime = find_known("pathway", tmp_path)
    assert isinstance(regime, Measured)
    assert find_measurements(regime, pathway.folder.parent).regime.training.full_steps == 7
    with pytest.raises(DatasetError, match=r"cannot be made anew; give 'stoichloop data --csv pathway\.csv --network"):
        find_measurements(regime, tmp_path)
    with pytest.raises(RegimeError, match="'pathway' was measured, so it has no sibling 2"):
        regime.sibling(2)
    changed = regime.model_copy(update={"network": regime.network.model_copy(update={"mass_balanced": True})})
    with pytest.raises(DatasetError, match=r"network\.mass_balanced \(frozen False, now True\)"):
        find_measurements(changed, pathway.folder.parent)


def test_of_a_single_trajectory_the_last_fifth_is_kept_back(tmp_path: Path) -> None:
    csv, network = tmp_path / "one.csv", tmp_path / "net.yaml"
    network.write_text("reactions: {r1: A -> B}")
    for samples in (24, 30):
        rows = [f"{time},{3 * 0.9**time + 0.1},{4 - 3 * 0.9**time}" for time in range(samples)]
        csv.write_text("\n".join(["time,A,B", *rows]))
        if samples == 24:
            with pytest.raises(DatasetError, match="takes 25 samples or more, but it has 24"):
                import_measurements(csv, network, tmp_path / "data")
            assert not (tmp_path / "data").exists()
    data, _ = import_measurements(csv, network, tmp_path / "data")
    assert [len(trajectory.time) for trajectory in (*data.observed, *data.heldout)] == [24, 6]
    np.testing.assert_allclose(data.heldout[0].dcdt[:, 0], 3 * np.log(0.9) * 0.9 ** np.arange(24, 30), rtol=0.05)


def test_the_name_of_a_regime_that_there_is_already_is_refused(tmp_path: Path) -> None:
    csv, network = tmp_path / "pde_m1.csv", tmp_path / "net.yaml"
    csv.write_text((EXAMPLE / "pathway.csv").read_text())
    network.write_text((EXAMPLE / "pathway.yaml").read_text())
    with pytest.raises(RegimeError, match="'pde_m1' is the name of another regime; rename the file"):
        import_measurements(csv, network, tmp_path / "data")

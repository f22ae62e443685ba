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
    noise = [share for share in facts.noise if share is not None]
    assert 0.001 < np.median(noise) < 0.01  # it was made with 0.003
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


def test_of_a_single_trajectory_the_last_fifth_is_kept_back_if_it_is_long(tmp_path: Path) -> None:
    network = tmp_path / "net.yaml"
    network.write_text("reactions: {r1: A -> B}")
    found = {}
    for samples in (24, 30):
        csv = tmp_path / f"of_{samples}.csv"
        rows = [f"{time},{3 * 0.9**time + 0.1},{4 - 3 * 0.9**time}" for time in range(samples)]
        csv.write_text("\n".join(["time,A,B", *rows]))
        found[samples], _ = import_measurements(csv, network, tmp_path / "data")
    data = found[30]
    assert [len(trajectory.time) for trajectory in (*data.observed, *data.heldout)] == [24, 6]
    np.testing.assert_allclose(data.heldout[0].dcdt[:, 0], 3 * np.log(0.9) * 0.9 ** np.arange(24, 30), rtol=0.05)
    short = found[24]
    assert [len(trajectory.time) for trajectory in (*short.observed, *short.heldout)] == [24, 24]
    assert (short.facts.heldout_trajectories, short.facts.heldout_frames) == (0, 0)
    assert any("nothing is kept back" in remark for remark in short.facts.table)


GAPPED = """trajectory,time,A,B,E,note
x,0,5,1,1,
x,1,,2,2,
x,2,3,<0.5,3,
x,3,2,4,4,
x,4,1,5,5,
y,0,6,1,1,late
y,4,2,5,1,
z,0,7,,1,
z,1,6,,2,
z,2,5,,1,
z,3,4,,2,
z,9,3,,1,
"""


def test_gaps_lengths_and_limits_are_marked_and_filled(tmp_path: Path) -> None:
    csv, network = tmp_path / "gaps.csv", tmp_path / "net.yaml"
    csv.write_text(GAPPED)
    network.write_text("reactions: {r1: A -> B | E}")
    data, _ = import_measurements(csv, network, tmp_path / "data")
    with np.load(data.observations_path) as arrays:
        measured, below, inputs = arrays["measured"], arrays["below"], arrays["inputs"]
        time, concentration = arrays["time"], arrays["concentration"]
    assert concentration.shape == (2, 5, 2)  # z is held out; y has as many frames as x
    np.testing.assert_array_equal(time[1], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(measured[0], [[1, 1], [0, 1], [1, 0], [1, 1], [1, 1]])
    np.testing.assert_array_equal(measured[1][:, 0], [1, 0, 0, 0, 1])
    np.testing.assert_array_equal(np.argwhere(below), [[0, 2, 1]])
    assert concentration[0, 2, 1] == 0.25
    assert (np.diff(concentration[1][:, 0]) < 0).all()
    np.testing.assert_array_equal(inputs[0, :, 0], [1, 2, 3, 4, 5])
    assert np.isfinite(data.heldout[0].dcdt).all()  # B was never measured in z
    assert any("'note'" in remark for remark in data.facts.table)


def test_measured_derivatives_are_given_to_trials_and_to_the_scorer(tmp_path: Path) -> None:
    csv, network = tmp_path / "slopes.csv", tmp_path / "net.yaml"
    rows = [f"{n},{t},{5 - t},-1,{n + t},1" for n in (1, 2) for t in range(5)]
    csv.write_text("\n".join(["run,time,A,dA/dt,B,dB/dt", *rows]))
    network.write_text("reactions: {r1: A -> B}")
    data, _ = import_measurements(csv, network, tmp_path / "data")
    for trajectory in (*data.observed, *data.heldout):
        np.testing.assert_array_equal(trajectory.dcdt, [[-1, 1]] * 5)
    assert data.regime.title.endswith("c(t) and dc/dt")


def test_what_a_total_leaves_is_computed(tmp_path: Path) -> None:
    csv, network = tmp_path / "total.csv", tmp_path / "net.yaml"
    csv.write_text("\n".join(["time,A", *(f"{t},{1 + t}" for t in range(5))]))
    network.write_text("reactions: {r1: B -> A}\nconserved: {all: A + B = 10}\n")
    data, _ = import_measurements(csv, network, tmp_path / "data")
    np.testing.assert_allclose(data.observed[0].concentration, [[1 + t, 9 - t] for t in range(5)])
    np.testing.assert_array_equal(data.stated_columns.conserved, [[1, 1]])
    assert "'B' was not measured and is computed from the total A + B = 10" in data.facts.table


def test_a_name_that_only_a_total_has_is_not_computed(tmp_path: Path) -> None:
    csv, network = tmp_path / "slip.csv", tmp_path / "net.yaml"
    csv.write_text("\n".join(["time,A,B", *(f"{t},{1 + t},{9 - t}" for t in range(5))]))
    network.write_text("reactions: {r1: B -> A}\nconserved: {all: A + Q = 10}\n")
    data, _ = import_measurements(csv, network, tmp_path / "data")
    assert not any("computed" in remark for remark in data.facts.table)
    assert "species that were not measured: Q" in data.facts.network
    assert "conserved totals with a member that has no row: all" in data.facts.network


def test_the_faults_of_both_files_are_named_at_once(tmp_path: Path) -> None:
    csv, network = tmp_path / "m.csv", tmp_path / "net.yaml"
    csv.write_text("A,B\n1,2\n")
    network.write_text("reactions: {r1: A <- B}")
    with pytest.raises(RegimeError, match=r"(?s)net\.yaml: key 'reactions\.r1'.*--csv .*no column 'time'"):
        import_measurements(csv, network, tmp_path / "data")


def test_faults_of_a_table_hide_no_slip_of_the_network(tmp_path: Path) -> None:
    csv, network = tmp_path / "m.csv", tmp_path / "net.yaml"
    csv.write_text("\n".join(["time,A,B", "0,1,much", *(f"{t},{1 + t},{9 - t}" for t in range(5))]))
    network.write_text("reactions: {r1: 2A -> B}")
    with pytest.raises(RegimeError, match=r"(?s)net\.yaml: key 'reactions\.r1' holds '2A'.*--csv .*'much' in row 2"):
        import_measurements(csv, network, tmp_path / "data")


def test_the_name_of_a_regime_that_there_is_already_is_refused(tmp_path: Path) -> None:
    csv, network = tmp_path / "pde_m1.csv", tmp_path / "net.yaml"
    csv.write_text((EXAMPLE / "pathway.csv").read_text())
    network.write_text((EXAMPLE / "pathway.yaml").read_text())
    with pytest.raises(RegimeError, match="'pde_m1' is the name of another regime; rename the file"):
        import_measurements(csv, network, tmp_path / "data")


def test_data_from_before_more_could_be_stated_keep_their_fingerprint(pathway: Measurements) -> None:
    plain = pathway.regime.network.model_copy(update={"primitive": False})
    old = pathway.regime.model_copy(update={"network": plain})
    reactions = {f"network.reactions.{name}" for name in old.reaction_names}
    assert old.simulation().keys() == {
        "name",
        *reactions,
        "network.alphabet",
        "network.mass_balanced",
        "readings.sha256",
    }

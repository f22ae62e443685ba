from pathlib import Path

import numpy as np
import pytest

import stoichloop
from stoichloop.errors import RegimeError
from tests.agent.conftest import Documented


def test_the_page_on_the_interface_runs_as_it_stands(documented: Documented) -> None:
    names, tiny = documented.names, documented.names["data"]
    assert "pde_m1_tiny" in names["names"]
    assert (names["run"].seed, names["run"].configuration["lr_S"]) == (1, 0.02)
    assert names["run"].network().stoichiometry.shape == (tiny.facts.metabolites, tiny.facts.reactions)
    assert (names["status"].experiments, names["status"].running) == (2, False)
    assert names["night"].leaderboard()[0] == names["status"].incumbent
    assert names["estimate"]["sto_all"].shape == (tiny.facts.edges,)
    assert (documented.workspace.root / "recovered.xml").is_file()
    first = (documented.workspace.root / "printed.txt").read_text().splitlines()[0]
    assert first == "94 coefficients, 94 identifiable"


def test_the_estimate_that_speaks_for_an_experiment_is_the_one_nearest_to_its_mean(documented: Documented) -> None:
    trials = [t for t in documented.names["night"].trials() if t.experiment == "e0001" and t.fidelity == "probe"]
    scores = [t.scores["exact"] for t in trials]
    nearest = min(trials, key=lambda t: abs(t.scores["exact"] - np.mean(scores)))
    assert len(set(scores)) > 2  # else there is nothing to choose
    estimate = documented.names["night"].estimate("e0001")
    kept = np.load(documented.campaign.folder / nearest.folder / "estimate.npz")
    np.testing.assert_array_equal(estimate.sto_all, kept["sto_all"])


def test_what_goes_wrong_is_said_as_the_commands_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(stoichloop.StoichloopError, match="not inside a git repository"):
        stoichloop.regimes()


def test_an_interface_like_the_command_line_knows_its_regimes(
    documented: Documented, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(documented.workspace.root)
    with pytest.raises(RegimeError, match="there is no regime 'nowhere'"):
        stoichloop.data("nowhere")
    with pytest.raises(stoichloop.StoichloopError, match="there is no experiment 'e9999' in campaign 'night'"):
        stoichloop.campaign("night").network("e9999")

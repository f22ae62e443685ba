from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest

import stoichloop
from simulator.dataset import Dataset
from stoichloop.errors import RegimeError
from tests.conftest import Documented


@pytest.fixture
def night(documented: Documented, monkeypatch: pytest.MonkeyPatch) -> stoichloop.Campaign:
    """Return the campaign of docs/api.md, as a user of the interface opens it."""
    monkeypatch.chdir(documented.workspace.root)
    return stoichloop.campaign("night")


def test_the_programs_of_the_page_print_what_they_should(documented: Documented) -> None:
    edges, trained, _, column, *_ = documented.printed.splitlines()
    assert edges == "94 coefficients, 94 identifiable"
    assert trained.split()[:2] == ["1", "0.02"]  # seed and learning rate, as they were given
    assert sum(literal_eval(column).values()) == 0  # the regime states mass balance
    assert (documented.workspace.root / "recovered.xml").is_file()


def test_a_campaign_is_read_as_the_page_says(night: stoichloop.Campaign, tiny: Dataset) -> None:
    assert "pde_m1_tiny" in [regime.name for regime in stoichloop.regimes()]
    status = night.status()
    assert (status.experiments, status.running) == (2, False)
    assert night.leaderboard()[0] == status.incumbent
    assert night.network().stoichiometry.shape == (tiny.facts.metabolites, tiny.facts.reactions)


def test_the_estimate_that_speaks_for_an_experiment_is_the_one_nearest_to_its_mean(night: stoichloop.Campaign) -> None:
    trials = [t for t in night.trials() if t.experiment == "e0001" and t.fidelity == "probe"]
    scores = [t.scores["exact"] for t in trials]
    nearest = min(trials, key=lambda t: abs(t.scores["exact"] - np.mean(scores)))
    assert len(set(scores)) > 2  # else there is nothing to choose
    kept = np.load(night.folder / nearest.folder / "estimate.npz")
    np.testing.assert_array_equal(night.estimate("e0001").sto_all, kept["sto_all"])


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

"""A campaign as a user of Python sees it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import stoichloop
from agent.executor.workspace import Workspace
from agent.export.tables import EXPERIMENT_COLUMNS, write_tables
from agent.report.theme import VERDICTS
from memory.formatting import decimal
from simulator.dataset import Dataset
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import Documented


@pytest.fixture
def night(documented: Documented, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> stoichloop.Campaign:
    """Return the campaign of docs/api.md, opened by its folder from a folder that belongs to no clone."""
    monkeypatch.chdir(tmp_path)
    return stoichloop.open(documented.campaign.folder)


def words(figure: Figure) -> str:
    """Return all text of a figure."""
    texts = [*figure.texts, *(text for axes in figure.axes for text in [*axes.texts, axes.title])]
    return " ".join(text.get_text() for text in texts)


def test_a_campaign_is_found_from_its_folder_and_from_its_clone(
    night: stoichloop.Campaign, documented: Documented
) -> None:
    inside = documented.workspace.root / "runs" / "night" / "experiments"
    assert {stoichloop.open(place).folder for place in (documented.workspace.root, inside)} == {night.folder}
    with pytest.raises(stoichloop.StoichloopError, match="not inside a git repository"):
        stoichloop.open("/")


def test_an_experiment_is_found_by_every_form_of_its_id(night: stoichloop.Campaign) -> None:
    assert night["e0002"] == night["2"] == night[2] == night.experiments()[1]
    assert ["e0002" in night, 2 in night, "e0099" in night] == [True, True, False]
    assert [experiment.id for experiment in night] == ["e0001", "e0002"]
    with pytest.raises(stoichloop.StoichloopError, match="no experiment 'e0099' in campaign 'night'; it has e0001 to"):
        night[99]


def test_the_best_is_the_incumbent(night: stoichloop.Campaign) -> None:
    line = night.status().incumbent
    assert line is not None
    assert (night.best.id, night.best_score) == (line.experiment, line.score)


def test_a_frame_holds_what_the_tables_hold(night: stoichloop.Campaign, documented: Documented, tmp_path: Path) -> None:
    write_tables(documented.campaign, tmp_path / "tables")
    experiments, trials = night.frame(), night.frame("trials")
    kept = pd.read_csv(tmp_path / "tables" / "trials.csv", index_col="trial")
    pd.testing.assert_series_equal(trials["exact"], kept["exact"])
    same = [name for name in EXPERIMENT_COLUMNS if name not in ("experiment", "configuration")]
    assert list(experiments.columns[: len(same)]) == same
    assert experiments.loc["e0002", "configuration_lr_S"] == night["e0002"].configuration["lr_S"]
    assert experiments.loc["e0002", "changes"] == night["e0002"].changes
    assert experiments.loc["e0001", "proposed_at"].timestamp() == pytest.approx(night["e0001"].proposed_at)
    assert len(night.frame("findings")) == len(night.findings())
    assert pd.isna(experiments.loc["e0001", "effect"])  # and no None, with which no column can be computed
    with pytest.raises(stoichloop.StoichloopError, match="no table 'trial'; tables are experiments, trials, findings"):
        night.frame("trial")  # type: ignore[arg-type]


def test_a_frame_without_pandas_says_what_to_install(
    night: stoichloop.Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(stoichloop.StoichloopError, match=r"pandas.* is missing; run 'make extra NAME=notebook'"):
        night.frame()


def test_the_course_has_the_dots_of_the_leaderboard(night: stoichloop.Campaign) -> None:
    panel = night.plot_course().axes[0]
    dots = [np.asarray(line.get_xydata()) for line in panel.lines if line.get_marker() == "o"]
    assert set(np.concatenate(dots)[:, 1]) == {line.score for line in night.leaderboard()}
    assert panel.get_ylabel() == "exact at probe"


def test_the_tree_names_each_experiment_with_its_score(night: stoichloop.Campaign) -> None:
    figure = night.plot_tree()
    for line in night.leaderboard():
        assert f"{line.experiment}  {line.score:.3f}" in words(figure)
    colours = {patch.get_edgecolor() for patch in figure.axes[0].patches}
    assert len(colours) == len({"edge", VERDICTS["accepted"], VERDICTS["rejected"]})


def test_too_few_experiments_for_importances_are_no_figure_of_noise(night: stoichloop.Campaign) -> None:
    assert "too few configurations on one state of the code: 8 are needed" in words(night.plot_importances())


def test_the_recovery_counts_every_coefficient(night: stoichloop.Campaign, tiny: Dataset) -> None:
    figure = night.plot_recovery("e0001")
    matrix, confusion = figure.axes
    counts = [text.get_text() for text in confusion.texts]
    assert sum(int(count) for count in counts if count != "·") == tiny.facts.edges
    graph, learned = tiny.truth.graph, night.network("e0001").stoichiometry
    right = int(np.sum(learned[graph.met_all, graph.rxn_all] == tiny.truth.sto_all))
    assert f"e0001: {right} of 94 coefficients right" in figure.get_suptitle()
    assert len(np.asarray(matrix.lines[-1].get_xydata())) == tiny.facts.edges - right


def test_a_notebook_shows_a_figure_and_a_campaign(night: stoichloop.Campaign) -> None:
    picture = night.plot_tree()._repr_png_()  # type: ignore[attr-defined]
    assert picture.startswith(b"\x89PNG")
    card = night._repr_html_()
    for line in night.leaderboard():
        assert line.experiment in card
        assert decimal(line.score) in card
    assert str(night.status().next_commands[0]) in card


def test_what_is_printed_fits_a_few_lines(night: stoichloop.Campaign) -> None:
    assert repr(night).startswith("<Campaign night on pde_m1_tiny: best e0001, exact ")
    for thing in (night.best, night.best.trials[0], night.status(), night.network("e0001"), night):
        assert len(repr(thing)) < 240
    assert str(night.network("e0001")).splitlines()[0].startswith("r0: ")


def test_an_accepted_experiment_goes_onto_the_branch_and_back(
    workspace: Workspace, tiny: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Night(workspace, tiny)
    made.accept("e0001", {0: 0.9, 1: 0.91}, **SIGN_TIED)
    made.reject("e0002", {0: 0.2}, changes={"depth": 3})
    made.close()
    monkeypatch.chdir(workspace.root)
    night, contained = stoichloop.campaign("night"), workspace.uncontained is None
    (line,) = stoichloop.campaigns()
    assert (line.name, line.best, line.score) == ("night", "e0002", night.best_score)
    assert night.best_score == pytest.approx(0.905)
    assert [winner.experiment for winner in night.winners().winners] == ["e0001", "e0002"]
    assert "gnn/model.py" in night.diff()
    with pytest.raises(stoichloop.StoichloopError, match="e0003 of campaign 'night' was rejected"):
        night.pick(3, contained=contained)
    with pytest.raises(stoichloop.StoichloopError, match="--siblings 0 must be from 1 to 999"):
        night.verify(siblings=0, contained=contained)
    picked = night.pick(contained=contained)
    assert [one.experiment for one in picked.placed] == ["e0002"]
    assert picked.undo == f"git reset --keep {picked.before[:12]}"
    assert "deeper functions" in night.idea("deeper functions", {"depth": 3})
    with pytest.raises(stoichloop.StoichloopError, match="e0002 has no field 'dept'; did you mean 'depth'"):
        night.idea("deeper functions", {"dept": 3})


def test_the_package_tells_what_it_offers() -> None:
    assert stoichloop.__version__.count(".") == 2
    assert set(dir(stoichloop)) >= {"campaign", "campaigns", "explore", "open", "Campaign"}
    with pytest.raises(AttributeError, match="has no attribute 'campain'"):
        stoichloop.campain  # noqa: B018

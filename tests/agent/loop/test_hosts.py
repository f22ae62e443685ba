"""The campaign as a planner sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.executor.artifacts import PRINTED
from agent.executor.workspace import Workspace
from agent.loop.hosts import CampaignPlanning
from agent.planner.planners.moves import Moves
from memory.render import Log
from simulator.dataset import Dataset
from tests.agent.experiments import situation, with_crash
from tests.agent.winners.nights import FIDELITY, Night


def test_the_curve_told_of_an_experiment_is_that_of_its_worst_seed(workspace: Workspace, tiny: Dataset) -> None:
    night = Night(workspace, tiny)
    (baseline,) = past = night.ledger.experiments()
    host = CampaignPlanning(night.campaign, tiny, night.worktrees, night.registrar, past, lambda: None)
    for trial in baseline.trials:
        folder = night.campaign.folder / trial.folder
        folder.mkdir(parents=True)
        loss = round(1.0 - (trial.score or 0.0), 2)
        (folder / "curves.jsonl").write_text(f'{{"step": 1, "steps": 2, "loss": {loss}, "loss_pred": {loss}}}\n')
    assert [point.loss for point in host.curve_of(baseline)] == [0.75]
    untried = replace(baseline, trials=())
    assert (host.curve_of(untried), host.diagnostics_of(untried)) == ([], None)
    night.close()


def test_the_output_told_of_an_experiment_is_that_of_the_training_that_broke(
    workspace: Workspace, tiny: Dataset
) -> None:
    night = Night(workspace, tiny)
    (baseline,) = past = night.ledger.experiments()
    uneven = with_crash(baseline, "exit status 1")
    host = CampaignPlanning(night.campaign, tiny, night.worktrees, night.registrar, past, lambda: None)
    for trial in uneven.trials:
        folder = night.campaign.folder / trial.folder
        folder.mkdir(parents=True)
        (folder / PRINTED).write_text(trial.status)
    assert (host.output_of(uneven), host.output_of(baseline)) == ("crashed", "completed")
    assert host.output_of(replace(baseline, trials=())) == ""
    night.close()


@pytest.mark.long
def test_moves_that_old_code_does_not_take_are_named_once_in_the_log(workspace: Workspace, tiny: Dataset) -> None:
    model = workspace.root / "gnn" / "model.py"
    model.write_text(model.read_text().replace("config.init_scale_S", "2.0 * config.init_scale_S"))
    workspace.repo.git.commit("--all", "-m", "older code")
    night = Night(workspace, tiny, planner="moves")
    (baseline,) = past = night.ledger.experiments()
    for _ in range(2):  # the loop asks before every block, and after a restart
        host = CampaignPlanning(night.campaign, tiny, night.worktrees, night.registrar, past, lambda: None)
        state = night.worktrees.at(str(baseline.commit))
        told = replace(situation(state, past, [("exploit", baseline)] * 20, rung="code"), host=host)
        assert "sign_tied" not in [proposal.move for proposal in Moves(FIDELITY).propose(told)]
    log = Log(night.ledger).text()
    assert log.count("move sign_tied is skipped on the code of e0001: the diff does not apply") == 1
    assert "conflict in gnn/model.py" in log
    night.close()

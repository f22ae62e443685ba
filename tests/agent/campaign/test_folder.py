import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from agent.campaign.folder import CampaignFolder, open_campaign, start_campaign
from agent.executor.workspace import Workspace, find_workspace
from memory.ledger import Ledger
from simulator.dataset import Dataset
from simulator.regime import Training
from stoichloop.errors import StoichloopError
from tests.conftest import command_line


def start(workspace: Workspace, tiny: Dataset, name: str = "night", seed: int = 0) -> CampaignFolder:
    return start_campaign(workspace, name, tiny, planner="sweep", fidelity="probe", seed=seed)


def test_a_campaign_is_made_once_and_opened_afterwards(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start(workspace, tiny)
    assert {path.name for path in campaign.folder.iterdir()} >= {"campaign.yaml", "brief.md", "memory.db"}
    brief = campaign.folder / "brief.md"
    assert "pde_m1_tiny" in brief.read_text()
    brief.write_text("mine now")
    assert start(workspace, tiny).settings == campaign.settings
    assert open_campaign(workspace, None) == campaign
    assert brief.read_text() == "mine now"


def test_a_later_commit_of_the_users_does_not_move_a_campaign(workspace: Workspace, tiny: Dataset) -> None:
    base = start(workspace, tiny).settings.base_commit
    workspace.repo.git.commit("--allow-empty", "-m", "later")
    assert start(workspace, tiny).settings.base_commit == base


def test_another_wish_under_the_same_name_is_refused_by_key(workspace: Workspace, tiny: Dataset) -> None:
    start(workspace, tiny)
    with pytest.raises(StoichloopError, match=r"campaign\.yaml: key 'seed' is '0', but '1'"):
        start(workspace, tiny, seed=1)


@pytest.mark.parametrize("name", ["", "../escape", "a b", ".hidden", "-x", "a/b"])
def test_a_name_that_is_no_folder_name_is_refused(workspace: Workspace, tiny: Dataset, name: str) -> None:
    with pytest.raises(StoichloopError, match="--campaign"):
        start(workspace, tiny, name=name)
    assert not workspace.runs.exists()


def test_there_is_one_controller_at_a_time(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start(workspace, tiny)
    refused = pytest.raises(StoichloopError, match="already run by another controller")
    with campaign.lead(), refused, campaign.lead():
        pass
    with campaign.lead():
        pass


def test_a_damaged_settings_file_is_refused(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start(workspace, tiny)
    (campaign.folder / "campaign.yaml").write_text("name: night\ncolour: red\n")
    with pytest.raises(StoichloopError, match=r"campaign\.yaml: malformed"):
        open_campaign(workspace, "night")


def test_unknown_campaigns_and_places_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(StoichloopError, match="there is no campaign yet"):
        open_campaign(workspace, None)
    with pytest.raises(StoichloopError, match="there is no campaign 'x'"):
        open_campaign(workspace, "x")
    with pytest.raises(StoichloopError, match="not inside a git repository"):
        find_workspace(tmp_path)


def test_a_draft_that_a_killed_controller_left_is_in_nobodys_way(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start(workspace, tiny)
    draft = workspace.runs / ".other-x1y2"
    draft.mkdir()
    (draft / "campaign.yaml").touch()
    assert open_campaign(workspace, None) == campaign


def test_a_start_removes_the_drafts_of_killed_ones_of_its_name(workspace: Workspace, tiny: Dataset) -> None:
    old, fresh, longer, mine = ".night-x1y2z3w4", ".night-a_b_c_d_", ".night-2-x1y2z3w4", ".night-notes"
    for name in (old, fresh, longer, mine):
        (workspace.runs / name).mkdir(parents=True)
        (workspace.runs / name / "campaign.yaml").touch()
    for name in (old, longer, mine):
        os.utime(workspace.runs / name, (0, 0))
    start(workspace, tiny)
    assert {path.name for path in workspace.runs.iterdir()} == {"night", fresh, longer, mine}


def test_the_latest_campaign_is_the_one_that_is_written_to_now(workspace: Workspace, tiny: Dataset) -> None:
    first = start(workspace, tiny, "first")
    start(workspace, tiny, "second")
    with Ledger(first.ledger_path) as ledger:
        ledger.add_event("resumed")
        assert open_campaign(workspace, None) == first


def test_a_lost_ledger_of_one_campaign_does_not_hide_the_others(workspace: Workspace, tiny: Dataset) -> None:
    first, second = start(workspace, tiny, "first"), start(workspace, tiny, "second")
    second.ledger_path.unlink()
    assert open_campaign(workspace, None) == first


def test_branches_of_an_earlier_campaign_are_not_mistaken_for_this_ones(workspace: Workspace, tiny: Dataset) -> None:
    workspace.repo.create_head("exp/night/e0002")
    with pytest.raises(StoichloopError, match="an earlier campaign 'night' has left 1 commit, from"):
        start(workspace, tiny)
    assert not workspace.runs.exists()


def test_a_campaign_that_was_copied_is_refused(workspace: Workspace, tiny: Dataset) -> None:
    shutil.copytree(start(workspace, tiny).folder, workspace.runs / "copy")
    with pytest.raises(StoichloopError, match="cannot be copied or renamed"):
        open_campaign(workspace, "copy")


def test_another_training_budget_is_another_campaign(workspace: Workspace, tiny: Dataset) -> None:
    start(workspace, tiny)
    longer = tiny.regime.model_copy(update={"training": Training(full_steps=9999)})
    with pytest.raises(StoichloopError, match="key 'full_steps'"):
        start(workspace, replace(tiny, regime=longer))


@pytest.mark.parametrize("landed", [False, True], ids=["just begun", "with experiments"])
def test_a_campaign_in_another_worktree_of_the_clone_is_not_to_be_deleted(
    workspace: Workspace, tiny: Dataset, tmp_path: Path, landed: bool
) -> None:
    git, second = workspace.repo.git, tmp_path / "second"
    git.worktree("add", "--quiet", "--detach", str(second))
    living = start(workspace, tiny)
    if landed:
        git.update_ref("refs/experiments/night/e0002", "HEAD")
    with pytest.raises(StoichloopError, match=rf"lives in {living.folder}, in another worktree") as refused:
        start(Workspace(second), tiny)
    assert "delete" not in str(refused.value)
    assert start(Workspace(second), tiny, name="mine").folder == second / "runs" / "mine"


def test_commits_of_a_campaign_that_is_gone_may_be_deleted_as_it_is_said(workspace: Workspace, tiny: Dataset) -> None:
    for ref in ("refs/experiments/night/e0002", "refs/heads/exp/night/e0003"):
        workspace.repo.git.update_ref(ref, "HEAD")
    with pytest.raises(StoichloopError, match="an earlier campaign 'night' has left 2 commits") as refused:
        start(workspace, tiny)
    command, _, rest = str(refused.value).partition("delete them: ")[2].partition("; ")
    words = command_line(*shlex.split(command)[1:], "--yes")
    subprocess.run(words, cwd=workspace.root, check=True, timeout=120)
    assert rest == "rename a branch that it keeps"  # it does not end in a commit of the campaign
    workspace.repo.git.branch("--move", "exp/night/e0003", "mine")
    assert start(workspace, tiny).folder == workspace.runs / "night"

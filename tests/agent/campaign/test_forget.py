"""Removal of a campaign: all of it, even after a removal that was cut off, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.campaign.folder import CampaignFolder, open_campaign, start_campaign
from agent.campaign.forget import _delete, find_remains
from agent.executor.workspace import Workspace
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.ordinary_user import as_ordinary_user
from tests.warm import run_warm


def made(workspace: Workspace, tiny: Dataset, name: str = "night") -> CampaignFolder:
    """Make a campaign with an accepted experiment, a rejected one, and a worktree of a controller that was killed."""
    campaign = start_campaign(workspace, name, tiny, planner="sweep", fidelity="probe", seed=0)
    git = workspace.repo.git
    tree = git.rev_parse("HEAD^{tree}")
    for experiment in ("e0002", "e0003"):
        message = f"{experiment}: better\n\nwhy\n\nCampaign: {name}\nExperiment: {experiment}\n"
        commit = git.commit_tree(tree, "-p", "HEAD", "-m", message)
        git.update_ref(f"refs/experiments/{name}/{experiment}", commit)
    git.branch(f"exp/{name}/e0002", f"refs/experiments/{name}/e0002")
    git.worktree("add", "--quiet", "--detach", str(campaign.folder / "worktrees" / "draft"))
    (campaign.folder / "experiments" / "e0002" / "s0-probe").mkdir(parents=True)
    return campaign


def state(workspace: Workspace) -> tuple[object, ...]:
    """Return all that forgetting must bring back to what it was before the campaign."""
    git = workspace.repo.git
    runs = sorted(path.name for path in workspace.runs.iterdir())
    return git.for_each_ref(), git.worktree("list"), git.status("--porcelain"), git.rev_parse("HEAD"), runs


def call(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_warm("agent.cli", arguments, workspace.root, os.environ, timeout=120)


def test_a_campaign_is_removed_once_the_user_agrees(workspace: Workspace, tiny: Dataset) -> None:
    made(workspace, tiny, "night-2")
    workspace.repo.git.branch("exp/mine")
    (workspace.runs / ".night-2-abcdefgh").mkdir()
    before = state(workspace)
    made(workspace, tiny)
    (workspace.runs / ".night-abc_4567").mkdir()  # a start was killed
    among = state(workspace)

    asked = call(workspace, "forget", "night")
    assert asked.returncode == 1
    assert "'stoichloop forget night --yes' removes it" in asked.stderr
    assert state(workspace) == among
    told = call(workspace, "forget", "night", "--yes")
    assert told.returncode == 0, told.stderr
    assert "    runs/night/, runs/.night-abc_4567/: 0." in told.stdout
    assert "    branches exp/night/...: 1\n    refs/experiments/night/...: 2\n" in told.stdout
    assert state(workspace) == before
    start_campaign(workspace, "night", tiny, planner="sweep", fidelity="probe", seed=0)


@pytest.mark.parametrize("done", range(5))
def test_a_removal_that_was_cut_off_is_finished_by_the_next(workspace: Workspace, tiny: Dataset, done: int) -> None:
    made(workspace, tiny, "other")
    before = state(workspace)
    made(workspace, tiny)
    for step in find_remains(workspace, "night").steps[:done]:
        step()
    if 2 <= done < 4:
        with pytest.raises(StoichloopError, match="there is no campaign 'night'"):
            open_campaign(workspace, "night")  # so nothing can resume it
    if done == 2:
        with pytest.raises(StoichloopError, match="delete them: stoichloop forget night"):
            start_campaign(workspace, "night", tiny, planner="sweep", fidelity="probe", seed=0)
    if done < 4:
        find_remains(workspace, "night").remove()
    assert state(workspace) == before
    with pytest.raises(StoichloopError, match=r"there is nothing of a campaign .night. here; .*: other"):
        find_remains(workspace, "night")


def test_a_new_campaign_of_the_name_goes_with_what_was_left_of_the_old_one(workspace: Workspace, tiny: Dataset) -> None:
    made(workspace, tiny)
    for step in find_remains(workspace, "night").steps[:3]:
        step()
    made(workspace, tiny)
    find_remains(workspace, "night").remove()
    assert list(workspace.runs.iterdir()) == []


def test_refs_alone_are_removed_too(workspace: Workspace, tiny: Dataset) -> None:
    shutil.rmtree(made(workspace, tiny).folder)
    workspace.repo.git.worktree("prune")
    find_remains(workspace, "night").remove()
    assert workspace.repo.git.for_each_ref("--format=%(refname)") == "refs/heads/main"


def test_a_campaign_that_runs_stays(workspace: Workspace, tiny: Dataset) -> None:
    campaign = made(workspace, tiny)
    before = state(workspace)
    with campaign.lead(), pytest.raises(StoichloopError, match="'night' is run by a controller; end that one first"):
        find_remains(workspace, "night").remove()
    assert {*before[-1]} == {path.name for path in workspace.runs.iterdir()}  # type: ignore[misc]
    assert state(workspace) == before


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_branch_that_is_checked_out_stays_with_all_the_rest(
    workspace: Workspace, tiny: Dataset, tmp_path: Path, where: str
) -> None:
    made(workspace, tiny)
    git = workspace.repo.git
    if where == "here":
        git.switch("exp/night/e0002")
    else:
        git.worktree("add", str(tmp_path / "elsewhere"), "exp/night/e0002")
    before = state(workspace)
    with pytest.raises(StoichloopError, match="branch exp/night/e0002 is checked out; git switch to another one"):
        find_remains(workspace, "night").remove()
    assert state(workspace) == before


def test_branches_with_commits_of_the_users_stay(workspace: Workspace, tiny: Dataset) -> None:
    made(workspace, tiny)
    git = workspace.repo.git
    git.branch("exp/night/notes")  # at a commit of the user's
    git.branch("exp/night/e0003")  # so is this one, whatever its name says
    git.branch("exp/night/mine", "exp/night/e0002")  # this name is no experiment's
    remains = find_remains(workspace, "night")
    assert remains.kept == ("refs/heads/exp/night/e0003", "refs/heads/exp/night/mine", "refs/heads/exp/night/notes")
    remains.remove()
    assert git.for_each_ref("--format=%(refname:short)").split() == [
        "exp/night/e0003",
        "exp/night/mine",
        "exp/night/notes",
        "main",
    ]


@pytest.mark.parametrize("name", ["", "..", "../data", "*", "night/", ".night", "n" * 65])
def test_only_a_name_is_forgotten(workspace: Workspace, tiny: Dataset, name: str) -> None:
    with pytest.raises(StoichloopError, match="is not the name of a campaign"):
        find_remains(workspace, name)


def test_a_folder_that_is_not_a_campaigns_stays(workspace: Workspace, tiny: Dataset, tmp_path: Path) -> None:
    (workspace.runs / "mine").mkdir(parents=True)
    shutil.move(made(workspace, tiny).folder, tmp_path / "moved")
    (workspace.runs / "night").symlink_to(tmp_path / "moved")
    for name in ("mine", "night"):
        with pytest.raises(StoichloopError, match=f"{name}: this is not a campaign's folder, so it stays"):
            find_remains(workspace, name)


@pytest.mark.parametrize("locked", ["e0002", "e0002/s0-probe", "e0002/s0-probe/inside"])
@pytest.mark.parametrize("mode", [0, 0o111, 0o444])
def test_a_folder_that_a_trial_has_locked_is_removed(locked: str, mode: int) -> None:
    def work(place: Path) -> None:
        (place / "night" / "e0002" / "s0-probe" / "inside").mkdir(parents=True)
        (place / "night" / "e0002" / "s0-probe" / "inside" / "file").touch()
        (place / "night" / locked).chmod(mode)
        _delete(place / "night")
        assert list(place.iterdir()) == []

    assert as_ordinary_user(work) == 0

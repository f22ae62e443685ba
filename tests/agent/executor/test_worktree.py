import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from git import Repo

from agent.errors import StoichloopError
from agent.executor.worktree import Worktrees, choose
from agent.workspace import Workspace, head_commit


@pytest.fixture
def worktrees(workspace: Workspace) -> Iterator[Worktrees]:
    made = Worktrees(workspace.repo, workspace.runs / "night" / "worktrees")
    yield made
    made.clear()


def snapshot(repo: Repo) -> tuple[str, str, str]:
    return repo.git.status("--porcelain"), repo.git.rev_parse("HEAD"), repo.git.diff("--cached")


def test_a_checkout_holds_gnn_at_its_commit_and_nothing_else(workspace: Workspace, worktrees: Worktrees) -> None:
    (workspace.root / "gnn" / "model.py").write_text("the user is in the middle of something")
    state = worktrees.at(head_commit(workspace))
    assert {path.name for path in state.folder.iterdir()} == {".git", "gnn"}
    assert "MetabolismPropagation" in (state.folder / "gnn" / "model.py").read_text()
    assert "lr_S" in state.fields


def test_an_experiment_becomes_a_commit_on_its_own_branch(workspace: Workspace, worktrees: Worktrees) -> None:
    base = head_commit(workspace)
    commit = worktrees.commit(base, choose({"lr_S": 0.02}), "exp/night/e0002", "e0002: faster\n\nExperiment: e0002")
    repo = workspace.repo
    assert repo.heads["exp/night/e0002"].commit.hexsha == commit
    assert [parent.hexsha for parent in repo.commit(commit).parents] == [base]
    assert repo.git.diff("--name-only", base, commit) == "gnn/configuration.json"
    assert repo.git.log("-1", "--format=%(trailers:key=Experiment,valueonly)", commit).strip() == "e0002"
    assert worktrees.at(commit).fields["lr_S"].value == 0.02


def test_changes_pile_up_along_a_line_of_experiments(workspace: Workspace, worktrees: Worktrees) -> None:
    first = worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02, "width": 64}), "exp/night/e0002", "one")
    second = worktrees.commit(first, choose({"width": 16}), "exp/night/e0003", "two")
    chosen = json.loads(workspace.repo.git.show(f"{second}:gnn/configuration.json"))
    assert chosen == {"lr_S": 0.02, "width": 16}
    assert worktrees.source_hash(first) == worktrees.source_hash(second)


def test_the_users_tree_and_index_are_never_touched(workspace: Workspace, worktrees: Worktrees) -> None:
    repo = workspace.repo
    (workspace.root / "notes.txt").write_text("edited, not staged\n")
    (workspace.root / "new.txt").write_text("staged\n")
    repo.git.add("new.txt")
    (workspace.root / "gnn" / "model.py").unlink()
    for name in ("pre-commit", "post-commit", "post-checkout"):
        hook = workspace.root / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {workspace.root}/hook-ran\nexit 1\n")
        hook.chmod(0o755)
    before = snapshot(repo)
    commit = worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02}), "exp/night/e0002", "message")
    worktrees.at(commit)
    worktrees.clear()
    assert snapshot(repo) == before
    assert not (workspace.root / "hook-ran").exists()


def test_a_controller_that_was_killed_is_taken_up_where_it_was(workspace: Workspace, worktrees: Worktrees) -> None:
    base = head_commit(workspace)
    commit = worktrees.commit(base, choose({"lr_S": 0.02}), "exp/night/e0002", "message")
    worktrees.at(base)
    # The next controller knows nothing of the first one's worktrees, but finds and clears them.
    successor = Worktrees(workspace.repo, workspace.runs / "night" / "worktrees")
    successor.clear()
    assert len(workspace.repo.git.worktree("list").splitlines()) == 1
    assert not (workspace.runs / "night" / "worktrees").exists()
    assert successor.commit(base, choose({"lr_S": 0.02}), "exp/night/e0002", "message") == commit


def test_a_branch_of_another_experiment_is_not_taken_for_this_one(workspace: Workspace, worktrees: Worktrees) -> None:
    base = head_commit(workspace)
    worktrees.commit(base, choose({"lr_S": 0.02}), "exp/night/e0002", "message\n\nFingerprint: a")
    with pytest.raises(StoichloopError, match="branch 'exp/night/e0002' exists and is not this experiment's"):
        worktrees.commit(base, choose({"lr_S": 0.03}), "exp/night/e0002", "message\n\nFingerprint: b")
    workspace.repo.git.commit("--allow-empty", "-m", "later")
    with pytest.raises(StoichloopError, match="is not this experiment's"):
        worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02}), "exp/night/e0002", "message\n\nFingerprint: a")


def test_a_worktree_that_was_half_deleted_is_cleared(workspace: Workspace, worktrees: Worktrees) -> None:
    path = worktrees.at(head_commit(workspace)).folder
    (path / ".git").unlink()
    worktrees.clear()
    assert len(workspace.repo.git.worktree("list").splitlines()) == 1


def test_inside_a_hook_the_users_index_is_still_safe(workspace: Workspace, tmp_path: Path) -> None:
    """Git hands a hook its index by an environment variable, which every child would use."""
    script = f"""
from pathlib import Path
root = Path({str(workspace.root)!r})
from agent.git import forget_git_environment
forget_git_environment()
from agent.executor.worktree import Worktrees, choose
from agent.workspace import Workspace, head_commit
workspace = Workspace(root)
worktrees = Worktrees(workspace.repo, Path({str(tmp_path)!r}))
worktrees.commit(head_commit(workspace), choose({{"lr_S": 0.02}}), "exp/x", "m")
"""
    (workspace.root / "new.txt").write_text("staged")
    workspace.repo.git.add("new.txt")
    before = snapshot(workspace.repo)
    index = {"GIT_INDEX_FILE": str(workspace.root / ".git" / "index"), "GIT_DIR": str(workspace.root / ".git")}
    subprocess.run([sys.executable, "-c", script], env=os.environ | index, check=True)
    assert snapshot(workspace.repo) == before


def test_worktrees_of_the_user_are_left_alone(workspace: Workspace, worktrees: Worktrees, tmp_path: Path) -> None:
    own = tmp_path / "own"
    workspace.repo.git.worktree("add", str(own), "-b", "feature")
    worktrees.at(head_commit(workspace))
    worktrees.clear()
    assert own.is_dir()
    assert str(own) in workspace.repo.git.worktree("list")


def test_a_wrong_configuration_is_refused_by_the_code_itself(workspace: Workspace, worktrees: Worktrees) -> None:
    with pytest.raises(StoichloopError, match="key 'lr_s' is not a field"):
        worktrees.at(head_commit(workspace)).resolve({"lr_s": 1})

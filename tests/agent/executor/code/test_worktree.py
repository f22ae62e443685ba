import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from git import Repo

from agent.base.loop_git import loop_git
from agent.executor.code.worktree import Worktrees, choose, keep_what_fits
from agent.executor.sandbox.bubblewrap import Sandbox
from agent.executor.workspace import Workspace, head_commit
from stoichloop.errors import StoichloopError
from tests.conftest import UNCONTAINED


@pytest.fixture
def worktrees(workspace: Workspace) -> Iterator[Worktrees]:
    made = Worktrees(workspace.repo, workspace.runs / "night" / "worktrees", workspace.sandbox)
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


def test_an_experiment_becomes_a_commit_on_no_branch(workspace: Workspace, worktrees: Worktrees) -> None:
    base = head_commit(workspace)
    commit = worktrees.commit(base, choose({"lr_S": 0.02}), "e0002: faster\n\nExperiment: e0002")
    repo = workspace.repo
    assert [head.name for head in repo.heads] == ["main"]
    assert [parent.hexsha for parent in repo.commit(commit).parents] == [base]
    assert repo.git.diff("--name-only", base, commit) == "gnn/configuration.json"
    assert repo.git.log("-1", "--format=%(trailers:key=Experiment,valueonly)", commit).strip() == "e0002"
    assert worktrees.at(commit).fields["lr_S"].value == 0.02
    assert worktrees.patch_of(commit, base) == ""


def test_configurations_of_one_source_train_in_one_checkout(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worktrees = Worktrees(workspace.repo, tmp_path / "worktrees", UNCONTAINED, tmp_path / "spaces")
    base = head_commit(workspace)
    first, lines = worktrees.for_training(base), worktrees.lines_of(base)
    monkeypatch.setattr(Sandbox, "ask", None)  # nothing is asked about a source that is known
    faster = worktrees.commit(base, choose({"lr_S": 0.02}), "e0002: faster")
    assert worktrees.for_training(faster) is first
    assert worktrees.lines_of(faster) == lines
    assert worktrees.at(faster).fields == first.fields
    worktrees.keep_only({faster})
    assert first.folder.is_dir()
    worktrees.keep_only(set())
    assert not first.folder.is_dir()
    worktrees.clear()


def test_changes_pile_up_along_a_line_of_experiments(workspace: Workspace, worktrees: Worktrees) -> None:
    first = worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02, "width": 64}), "one")
    second = worktrees.commit(first, choose({"width": 16}), "two")
    chosen = json.loads(workspace.repo.git.show(f"{second}:gnn/configuration.json"))
    assert chosen == {"lr_S": 0.02, "width": 16}
    assert worktrees.source_hash(first) == worktrees.source_hash(second)


def test_a_verdict_is_put_on_the_same_content_the_same_way_each_time(
    workspace: Workspace, worktrees: Worktrees
) -> None:
    base = head_commit(workspace)
    commit = worktrees.commit(base, choose({"lr_S": 0.02}), "tried")
    landed = worktrees.reword(commit, base, "judged\n\nVerdict: accepted", 1e9)
    assert landed == worktrees.reword(commit, base, "judged\n\nVerdict: accepted", 1e9)
    assert workspace.repo.git.diff(commit, landed) == ""
    assert worktrees.branch("exp/night/e0002", landed)
    assert worktrees.branch("exp/night/e0002", landed)
    assert workspace.repo.heads["exp/night/e0002"].commit.hexsha == landed


def test_a_branch_of_the_users_is_left_where_it_is(workspace: Workspace, worktrees: Worktrees) -> None:
    base = head_commit(workspace)
    workspace.repo.git.branch("exp/night/e0002", base)
    commit = worktrees.commit(base, choose({"lr_S": 0.02}), "tried")
    assert not worktrees.branch("exp/night/e0002", commit)
    assert workspace.repo.heads["exp/night/e0002"].commit.hexsha == base


def test_values_that_patched_code_does_not_take_are_dropped_from_the_chosen_ones(
    workspace: Workspace, worktrees: Worktrees
) -> None:
    chosen = worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02, "width": 64}), "one")

    def edit(folder: Path) -> None:
        config = folder / "gnn" / "config.py"
        config.write_text(config.read_text().replace("[16, 32, 64]", "[16, 32]"))
        keep_what_fits(folder, workspace.sandbox)

    patched = worktrees.commit(chosen, edit, "two")
    assert json.loads(workspace.repo.git.show(f"{patched}:gnn/configuration.json")) == {"lr_S": 0.02}
    assert "-    width: int = choice(32, [16, 32, 64]" in worktrees.patch_of(patched, chosen)
    assert worktrees.lines_of(patched) == worktrees.lines_of(chosen) > 500


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
    commit = worktrees.commit(head_commit(workspace), choose({"lr_S": 0.02}), "message")
    worktrees.at(commit)
    worktrees.clear()
    assert snapshot(repo) == before
    assert not (workspace.root / "hook-ran").exists()


def test_what_a_killed_controller_left_is_found_and_cleared(workspace: Workspace, worktrees: Worktrees) -> None:
    worktrees.at(head_commit(workspace))
    Worktrees(workspace.repo, workspace.runs / "night" / "worktrees", workspace.sandbox).clear()
    assert len(workspace.repo.git.worktree("list").splitlines()) == 1
    assert not (workspace.runs / "night" / "worktrees").exists()


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
from agent.base.git_environment import forget_git_environment
forget_git_environment()
from agent.base.loop_git import loop_git
from agent.executor.code.worktree import Worktrees, choose
from agent.executor.workspace import Workspace, head_commit
workspace = Workspace(root)
worktrees = Worktrees(workspace.repo, Path({str(tmp_path)!r}), workspace.sandbox)
worktrees.commit(head_commit(workspace), choose({{"lr_S": 0.02}}), "m")
"""
    (workspace.root / "new.txt").write_text("staged")
    workspace.repo.git.add("new.txt")
    before = snapshot(workspace.repo)
    index = {"GIT_INDEX_FILE": str(workspace.root / ".git" / "index"), "GIT_DIR": str(workspace.root / ".git")}
    subprocess.run([sys.executable, "-c", script], env=os.environ | index, check=True)
    assert snapshot(workspace.repo) == before


def test_code_that_answers_otherwise_later_cannot_end_a_campaign(workspace: Workspace, tmp_path: Path) -> None:
    late, spaces = tmp_path / "late", tmp_path / "spaces"
    config = workspace.root / "gnn" / "config.py"
    bomb = f"if Path({str(late)!r}).exists():\n    sys.exit('not today')\n"
    config.write_text(config.read_text().replace("CHOSEN = ", f"{bomb}CHOSEN = ", 1))
    workspace.repo.git.commit("--all", "-m", "a time bomb")
    commit = head_commit(workspace)
    fields = Worktrees(workspace.repo, tmp_path / "first", UNCONTAINED, spaces).at(commit).fields
    late.touch()
    with pytest.raises(StoichloopError, match="not today"):
        Worktrees(workspace.repo, tmp_path / "other", UNCONTAINED).at(commit)
    state = Worktrees(workspace.repo, tmp_path / "again", UNCONTAINED, spaces).at(commit)
    assert state.fields == fields
    with pytest.raises(StoichloopError, match="not today"):
        state.resolve({"lr_S": 0.02})  # which refuses the proposal that needs it


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


def test_code_that_does_not_answer_can_be_asked_again(workspace: Workspace, worktrees: Worktrees) -> None:
    def edit(folder: Path) -> None:
        (folder / "gnn" / "config.py").write_text("print([1])\n")

    broken = worktrees.commit(head_commit(workspace), edit, "broken")
    for _ in range(2):
        with pytest.raises(StoichloopError, match="its search space is not valid"):
            worktrees.at(broken)


def test_a_commit_takes_nothing_along_from_outside_gnn(workspace: Workspace, worktrees: Worktrees) -> None:
    def edit(folder: Path) -> None:
        loop_git(folder).rm("--cached", "notes.txt")

    with pytest.raises(StoichloopError, match=r"notes\.txt is not under gnn/"):
        worktrees.commit(head_commit(workspace), edit, "reaches out")

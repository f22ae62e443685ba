from pathlib import Path

import pytest

from agent.base.loop_git import loop_git
from agent.executor.code.patch import apply_diff
from agent.executor.workspace import Workspace
from agent.planner.move_catalogue import Move, apply, diff_of, move_names, read_move, read_moves
from agent.planner.registry import planner_names
from stoichloop.errors import StoichloopError
from tests.conftest import ROOT


def write_move(catalogue: Path, name: str, patch: str, requires: str = "[]") -> None:
    (catalogue / name).mkdir(parents=True)
    (catalogue / name / "move.yaml").write_text(f"title: a move\nwhy: for a test\nrequires: {requires}\n")
    (catalogue / name / "move.patch").write_text(patch)


def new_file(path: str) -> str:
    header = f"diff --git a/{path} b/{path}\nnew file mode 100644\n"
    return header + f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+print('new')\n"


def added(patch: Path) -> int:
    """Return the number of lines that a patch adds, as git counts them."""
    files = loop_git(ROOT).apply("--numstat", str(patch)).splitlines()
    return sum(int(file.split("\t")[0]) for file in files)


def test_a_new_move_is_found_by_its_folder_and_no_planner_is_mistaken_for_one(tmp_path: Path) -> None:
    write_move(tmp_path, "greeting", new_file("gnn/greeting.py"))
    assert move_names(tmp_path) == ["greeting"]
    assert read_move("greeting", tmp_path).description.title == "a move"
    assert not {"catalogue", "ladder", "proposal", "tree"} & set(planner_names())


def test_small_moves_add_at_most_60_lines_and_only_the_complete_methods_are_larger() -> None:
    moves = [read_move(name) for name in move_names()]
    assert {move.name for move in moves if move.files} == {"free_laws", "integer_columns"}
    counts = {move.name: added(move.folder / "move.patch") for move in moves if move.diff}
    assert counts["fitted_columns"] == 59
    assert {name: count for name, count in counts.items() if count > 60} == {}


def test_a_move_adds_its_file_to_the_worktree_and_nothing_to_the_users_tree(
    checkout: Path, workspace: Workspace, tmp_path: Path
) -> None:
    write_move(tmp_path / "moves", "greeting", new_file("gnn/greeting.py"))
    apply([read_move("greeting", tmp_path / "moves")], checkout)
    assert (checkout / "gnn" / "greeting.py").is_file()
    assert workspace.repo.git.status("--porcelain") == ""


@pytest.mark.parametrize("path", ["agent/cli/main.py", "gnnx/model.py", "gnn/../agent/cli/main.py", "conftest.py"])
def test_a_move_that_leaves_gnn_is_refused(path: str, tmp_path: Path) -> None:
    write_move(tmp_path, "escape", new_file("gnn/harmless.py") + new_file(path))
    with pytest.raises(StoichloopError, match=rf"move\.patch: ({path} is not under gnn/|.* invalid path)"):
        read_move("escape", tmp_path)


@pytest.mark.parametrize("patch", ["", "@@ nonsense"])
def test_a_patch_that_says_nothing_is_refused(patch: str, tmp_path: Path) -> None:
    write_move(tmp_path, "empty", patch)
    with pytest.raises(StoichloopError, match=r"move\.patch: the diff cannot be read"):
        read_move("empty", tmp_path)


def test_a_move_comes_after_what_it_requires(tmp_path: Path) -> None:
    write_move(tmp_path, "first", new_file("gnn/first.py"))
    write_move(tmp_path, "second", new_file("gnn/second.py"), requires="[first]")
    assert [move.name for move in read_moves(["first", "second"], tmp_path)] == ["first", "second"]
    with pytest.raises(StoichloopError, match="move 'second' requires first before it"):
        read_moves(["second", "first"], tmp_path)
    with pytest.raises(StoichloopError, match="there is no move 'third'; moves are first, second"):
        read_moves(["third"], tmp_path)


def test_a_patch_that_does_not_fit_changes_nothing(checkout: Path, tmp_path: Path) -> None:
    change = "diff --git a/gnn/loss.py b/gnn/loss.py\n--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ -1 +1 @@\n-was\n+is\n"
    write_move(tmp_path / "moves", "stale", new_file("gnn/half.py") + change)
    with pytest.raises(
        StoichloopError, match=r"move 'stale': .* does not apply .*gnn/loss\.py.*moves/stale anew"
    ) as failure:
        apply([read_move("stale", tmp_path / "moves")], checkout)
    assert "\n" not in str(failure.value)
    assert not (checkout / "gnn" / "half.py").exists()


def test_a_move_that_conflicts_with_another_leaves_what_the_other_did(checkout: Path) -> None:
    apply(read_moves(["metabolite_scale", "balance_projection", "sign_tied"]), checkout)
    git = loop_git(checkout)
    before = git.diff("HEAD", "--", "gnn"), git.status("--porcelain", "--", "gnn")
    with pytest.raises(StoichloopError, match=r"move 'role_start': .* does not apply .*conflict in .*gnn/model\.py"):
        apply([read_move("role_start")], checkout)
    assert (git.diff("HEAD", "--", "gnn"), git.status("--porcelain", "--", "gnn")) == before
    assert git.diff("--name-only", "--", "gnn") == ""


def write_tree(catalogue: Path, name: str, files: dict[str, str], removes: str = "[]", requires: str = "[]") -> Path:
    """Write a move that is a tree; `files` are paths in its folder."""
    folder = catalogue / name
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    (folder / "move.yaml").write_text(f"title: a move\nwhy: for a test\nrequires: {requires}\nremoves: {removes}\n")
    return folder


def test_a_tree_adds_rewrites_and_removes_files_and_its_tests_stay_out(checkout: Path, tmp_path: Path) -> None:
    files = {
        "gnn/new.py": "NEW = 1\n",
        "gnn/loss.py": "LOSS = 1\n",
        "tests/test_new.py": "",
        "gnn/part/more.py": "A = 1\n",
    }
    write_tree(tmp_path, "tree", files, removes="[layers.py]")
    move = read_move("tree", tmp_path)
    assert move.lines == 3
    apply([move], checkout)
    git = loop_git(checkout)
    assert git.diff("--cached", "--name-status", "HEAD", "--", "gnn").splitlines() == [
        "D\tgnn/layers.py",
        "M\tgnn/loss.py",
        "A\tgnn/new.py",
        "A\tgnn/part/more.py",
    ]
    assert git.diff("--name-only", "--", "gnn") == ""
    assert (checkout / "gnn" / "loss.py").read_text() == "LOSS = 1\n"
    assert not (checkout / "tests").exists()


def test_the_diff_of_a_tree_is_that_of_the_code_it_is_proposed_on(checkout: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, "tree", {"gnn/loss.py": "LOSS = 1\n"}, removes="[layers.py]")
    move = read_move("tree", tmp_path)
    before = move.diff_on(checkout)
    apply([read_move("metabolite_scale")], checkout)
    after = move.diff_on(checkout)
    assert loop_git(checkout).diff("--name-only", "--", "gnn") == ""  # the code itself stays as it is
    assert before != after
    write_move(tmp_path, "patch", after)
    apply([read_move("patch", tmp_path)], checkout)
    assert (checkout / "gnn" / "loss.py").read_text() == "LOSS = 1\n"
    assert not (checkout / "gnn" / "layers.py").exists()


def test_moves_that_remove_the_same_file_are_applied_one_after_the_other(checkout: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_tree(tmp_path, name, {f"gnn/{name}.py": "A = 1\n"}, removes="[layers.py]")
    apply(read_moves(["first", "second"], tmp_path), checkout)
    assert (checkout / "gnn" / "first.py").exists()
    assert (checkout / "gnn" / "second.py").exists()


def read_as_a_tree(folder: Path) -> Move:
    return read_move(folder.name, folder.parent)


@pytest.mark.parametrize("removes", ["../agent/cli/main.py", "configuration.json"])
def test_a_tree_that_removes_what_is_no_python_of_gnn_is_refused(removes: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path, "escape", {"gnn/new.py": ""}, removes=f"[{removes}]")
    with pytest.raises(StoichloopError, match=r"escape/gnn: gnn/.* is not (under gnn/|a Python file)"):
        read_as_a_tree(folder)


def test_a_tree_with_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    folder = write_tree(tmp_path, "link", {"gnn/new.py": ""})
    (folder / "gnn" / "secret.py").symlink_to("/etc/passwd")
    with pytest.raises(StoichloopError, match=r"secret\.py is a symbolic link"):
        read_as_a_tree(folder)
    whole = write_tree(tmp_path, "whole", {"elsewhere/new.py": ""})
    (whole / "gnn").symlink_to(whole / "elsewhere")
    with pytest.raises(StoichloopError, match="gnn is a symbolic link"):
        read_as_a_tree(whole)


@pytest.mark.parametrize(
    ("files", "removes", "words"),
    [
        ({"gnn/new.py": "", "move.patch": ""}, "[]", "a patch or a tree"),
        ({"move.patch": ""}, "[loss.py]", "only a move with gnn/ removes files"),
        ({"gnn/values.json": "{}"}, "[]", "values.json is not a Python file"),
        ({"gnn/__pycache__/new.py": ""}, "[]", "no Python file is in it"),
    ],
    ids=["both", "patch removes", "json", "empty"],
)
def test_a_tree_that_is_none_is_refused(files: dict[str, str], removes: str, words: str, tmp_path: Path) -> None:
    folder = write_tree(tmp_path, "tree", files, removes=removes)
    with pytest.raises(StoichloopError, match=words):
        read_as_a_tree(folder)


def test_several_moves_are_merged_with_later_changes_as_in_a_worktree(checkout: Path) -> None:
    """On this code the lines around a hunk of `early_columns` differ from those that it was written for."""
    stack = ["role_start", "quiet_rates", "rich_functions", "one_cycle", "averaged_weights", "least_squares_finish"]
    apply(read_moves(stack), checkout)
    columns = read_moves(["fitted_columns", "early_columns"])
    diff = diff_of(columns, checkout)
    before = loop_git(checkout).write_tree()
    apply_diff(diff, checkout)
    merged = loop_git(checkout).write_tree()
    loop_git(checkout).read_tree("--reset", "-u", before)
    apply(columns, checkout)
    assert loop_git(checkout).write_tree() == merged

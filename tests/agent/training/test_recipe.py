import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from agent.planner.move_catalogue import apply, read_moves
from agent.training.recipe import find_recipe, start_from
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError
from tests.conftest import ROOT, Command, command_line

REGIME = "pde_m1_tiny"
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
BY_KINETICS = sorted((ROOT / "recipes" / "kinetics").glob("*.yaml"))


def worktrees_of(workspace: Workspace) -> list[Path]:
    """The checkouts of runs that apply a recipe."""
    return [path for path in (workspace.runs / ".recipes").glob("*/*") if (path / ".git").exists()]


@pytest.mark.parametrize("path", [*RECIPES, *BY_KINETICS], ids=lambda path: path.stem)
def test_every_recipe_fits_the_code_of_today(path: Path, workspace: Workspace) -> None:
    assert path.parent.name == "kinetics" or find_regime(path.stem).name == path.stem
    with start_from(workspace, path) as start:
        resolved = start.code.resolve(start.configuration)
    assert start.configuration.items() <= resolved.items()
    assert worktrees_of(workspace) == []


def test_a_sibling_has_the_recipe_of_its_parent(workspace: Workspace) -> None:
    parent = find_recipe(workspace, REGIME, "best")
    assert find_recipe(workspace, find_regime(REGIME).sibling(12).name, "best") == parent


@pytest.mark.parametrize("regime", ["mm_m1", "rev_tiny", "mixed_m1"])
def test_a_regime_without_a_recipe_has_that_of_its_kinetics(regime: str, workspace: Workspace) -> None:
    assert find_recipe(workspace, regime, "best").path.name == "own_laws.yaml"


def test_the_best_recipe_trains_the_committed_code_and_leaves_the_users_alone(
    stoichloop: Command, workspace: Workspace
) -> None:
    (workspace.root / "gnn" / "model.py").write_text("the user is in the middle of something")
    index = (workspace.root / ".git" / "index").read_bytes()
    done = stoichloop("train", REGIME, "--recipe", "best", "--set", "few_frames=80", "--json")
    assert "gnn/ holds changes that are not committed" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    facts = json.loads(done.stdout)
    assert facts["recipe"].endswith(f"recipes/{REGIME}.yaml")
    assert facts["moves"] == ["integer_columns"]
    assert facts["commit"] == head_commit(workspace)
    assert facts["configuration"]["few_frames"] == 80
    assert facts["scores"]["exact"] == 1.0
    assert worktrees_of(workspace) == []
    assert (workspace.root / ".git" / "index").read_bytes() == index
    assert workspace.repo.git.status("--porcelain").split() == ["M", "gnn/model.py"]


@pytest.mark.parametrize(
    ("like", "changes", "expected"),
    [
        ("pde_m1_tiny", {}, "pde_m1_tiny"),
        ("pde_m1_tiny", {"dcdt_noise": 0.02, "concentration_noise": 0.01}, "pde_m1_noise"),
        ("pde_m1_tiny", {"concentration_noise": 0.02, "dcdt_given": False}, "pde_m1_observed"),
        ("pde_m1_tiny", {"decoys": 0.5, "roles_told": False}, "pde_m1_open"),
        ("pde_m1_tiny", {"decoys": 0.5}, "pde_m1_decoy"),
        ("pde_m1_single", {}, "pde_m1_single"),
        ("pde_m1_unbalanced", {}, "pde_m1_unbalanced"),
    ],
)
def test_a_regime_of_the_users_has_the_recipe_of_the_one_that_is_observed_most_like_it(
    like: str, changes: dict[str, Any], expected: str, workspace: Workspace
) -> None:
    own = find_regime(like)
    own = own.model_copy(update={"name": "small_pde", "observation": own.observation.model_copy(update=changes)})
    workspace.data.mkdir(exist_ok=True)
    (workspace.data / "small_pde.yaml").write_text(own.model_dump_json())
    found = find_recipe(workspace, "small_pde", "best")
    assert found.path.stem == expected
    assert found.why == f"the recipe of '{expected}', which is observed most like 'small_pde'"


def test_training_names_a_recipe_that_is_not_the_regimes_own(stoichloop: Command, workspace: Workspace) -> None:
    own = find_regime(REGIME).model_copy(update={"name": "small_pde"})
    (workspace.data / "small_pde.yaml").write_text(own.model_dump_json())
    done = stoichloop("train", "small_pde", "--recipe", "best", "--set", "few_frames=80", "--json")
    told = f"recipes/{REGIME}.yaml: the recipe of '{REGIME}', which is observed most like 'small_pde'"
    assert told in " ".join(done.stderr.split())
    assert json.loads(done.stdout)["scores"]["exact"] == 1.0


def test_without_any_recipe_the_folder_is_named(stoichloop: Command, workspace: Workspace) -> None:
    for path in (workspace.root / "recipes").glob("*.yaml"):
        path.unlink()
    done = stoichloop("train", "pde_m1_xl", "--recipe", "best", check=False)
    assert done.returncode == 1
    assert f"there is no recipe in {workspace.root / 'recipes'}" in done.stderr
    assert not workspace.runs.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("title: t\nwhy: w\nmoves: [absent]\nconfiguration: {}\n", "there is no move 'absent'; moves are .*sign_tied"),
        ("title: t\nwhy: w\nmoves: []\nconfiguration: {lr_Q: 1e-3}\n", r"my\.yaml: .*lr_Q.*lr_S"),
        ("title: t\nwhy: w\nmove: []\nconfiguration: {}\n", r"my\.yaml: key 'move"),
        ("[]", r"my\.yaml: must hold a mapping"),
    ],
)
def test_a_malformed_recipe_gets_one_sentence(content: str, words: str, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(content)
    with pytest.raises(StoichloopError, match=words), start_from(workspace, tmp_path / "my.yaml"):
        pass
    assert worktrees_of(workspace) == []


def test_a_move_that_does_not_apply_gets_one_sentence_and_leaves_no_worktree(
    stoichloop: Command, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "my.yaml").write_text("title: t\nwhy: w\nmoves: [sign_tied, role_start]\nconfiguration: {}\n")
    done = stoichloop("train", REGIME, "--recipe", str(tmp_path / "my.yaml"), "--steps", "5", check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "move 'role_start': the diff does not apply" in done.stderr
    assert "gnn/config.py" in done.stderr
    assert worktrees_of(workspace) == []


@pytest.mark.parametrize("moves", [["integer_columns"], ["sign_tied"], ["averaged_weights", "sign_tied"]], ids="+".join)
def test_a_move_that_the_code_holds_already_is_named(moves: list[str], workspace: Workspace, tmp_path: Path) -> None:
    recipe = tmp_path / "my.yaml"
    recipe.write_text(f"title: t\nwhy: w\nmoves: [{', '.join(moves)}]\nconfiguration: {{}}\n")
    apply(read_moves(moves[-1:]), workspace.root)
    workspace.repo.git.commit("--all", "-m", "picked")
    with (
        pytest.raises(StoichloopError, match=f"move '{moves[-1]}': the code holds it already; leave it out"),
        start_from(workspace, recipe),
    ):
        pass
    assert worktrees_of(workspace) == []


def test_ctrl_c_removes_the_worktree(workspace: Workspace) -> None:
    arguments = command_line("train", REGIME, "--recipe", "best", "--steps", "1000000")
    process = subprocess.Popen(arguments, cwd=workspace.root, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not worktrees_of(workspace):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    finally:
        process.kill()
        process.wait()
    assert worktrees_of(workspace) == []


def test_what_a_killed_run_left_is_cleared_by_the_next_and_a_running_one_is_spared(workspace: Workspace) -> None:
    folder = workspace.runs / ".recipes"
    killed = (
        "import os, signal; from pathlib import Path; from git import Repo; "
        "from agent.executor.sandbox.bubblewrap import Sandbox; from agent.executor.code.worktree import throw_away\n"
        f"with throw_away(Repo({str(workspace.root)!r}), Path({str(folder)!r}), Sandbox(None)) as worktrees:\n"
        f"    worktrees.at({head_commit(workspace)!r})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed], check=False, timeout=60, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert len(worktrees_of(workspace)) == 1
    with throw_away(workspace.repo, folder, workspace.sandbox) as mine:
        mine.at(head_commit(workspace))
        with throw_away(workspace.repo, folder, workspace.sandbox):
            assert len(worktrees_of(workspace)) == 1
        assert (folder / next(folder.glob("*.lock")).stem).is_dir()
    assert worktrees_of(workspace) == []
    assert not folder.exists()

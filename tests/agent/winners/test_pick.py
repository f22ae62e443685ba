"""Putting a winner onto the user's branch: all of it, or nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from git import Repo

from agent.base.console import Console
from agent.executor.workspace import Workspace
from agent.planner.move_catalogue import read_move
from agent.training.measurement import Task
from agent.winners.chain import find_chain
from agent.winners.local_campaign import refuse_vetoed, remembering
from agent.winners.pick import Picked, describe, pick
from memory.experiment_id import full_id
from memory.intervention import Intervention
from memory.ledger import Ledger
from memory.records import Ablation
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.agent.winners.nights import IDLE_FIELD, SIGN_TIED, Night
from tests.conftest import Command, contained
from tests.warm import run_warm

CHOSEN = "gnn/configuration.json"


def state(root: Path) -> tuple[Any, ...]:
    """Return all that a refused pick must leave as it was."""
    git = Repo(root).git(no_optional_locks=True)
    files = {
        path: path.read_bytes() for path in (root / "gnn").rglob("*") if path.is_file() and "__pyc" not in str(path)
    }
    listing = git.status("--porcelain"), git.rev_parse("HEAD"), git.for_each_ref(), git.worktree("list")
    return *listing, (root / ".git" / "index").read_bytes(), files


def refused(stoichloop: Command, root: Path, *arguments: str) -> str:
    before = state(root)
    done = stoichloop("pick", *arguments, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert state(root) == before
    return done.stderr


def chosen(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / CHOSEN).read_text())
    return content


@pytest.mark.long
def test_a_fresh_clone_picks_a_winner_and_training_shows_its_score(
    workspace: Workspace, night: Night, tiny: Dataset, tmp_path: Path
) -> None:
    tied = night.accept("e0001", {}, **SIGN_TIED)
    with remembering(workspace, find_chain(workspace.repo, tied.id, None), Console(quiet=True), lambda: None) as place:
        assert tied.commit is not None
        known = place.measure([Task("it", tied.commit, tiny, seed, 188) for seed in (0, 1)])
    night.accept("e0002", {m.seed: m.scores["exact"] for m in known}, **IDLE_FIELD)
    clone = tmp_path / "fresh"
    repo = Repo(workspace.root).clone(str(clone))
    with repo.config_writer() as config:
        config.set_value("user", "name", "Somebody")
        config.set_value("user", "email", "somebody@localhost")
    assert [head.name for head in repo.heads] == ["main"]

    picked = json.loads(call(clone, "pick", "e0003", "--json"))
    assert [one["experiment"] for one in picked["placed"]] == ["e0002", "e0003"]
    assert picked["branch"] == "main"
    assert picked["head"] == repo.git.rev_parse("main") == picked["placed"][-1]["commit"]
    assert repo.git.log("-1", "--format=%cn %(trailers:key=Experiment,valueonly)").split() == ["Somebody", "e0003"]
    assert repo.git.status("--porcelain") == ""
    assert repo.git.diff("origin/exp/night/e0003", "--", "gnn") == ""
    assert picked["check"] == "stoichloop train pde_m1_tiny --seed 0 --steps 188"

    trained = json.loads(call(clone, *picked["check"].split()[1:], "--json"))
    assert trained["scores"]["exact"] == known[0].score
    low, high = picked["interval"]
    assert low <= trained["scores"]["exact"] <= high
    assert "on branch main already: e0002, e0003" in call(clone, "pick", "e0003")


def call(folder: Path, *arguments: str) -> str:
    done = run_warm("agent.cli", contained(*arguments), folder, os.environ, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_an_ablation_has_not_shown_to_matter_stays_away(
    stoichloop: Command, workspace: Workspace, night: Night
) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    night.accept("e0002", {0: 0.5, 1: 0.52}, changes={"lr_k": 0.02})
    idle = Ablation("e0003", "e0002", 0.0, (-0.1, 0.1), (0, 1), "not shown to matter", "no", time.time())
    night.ledger.add_ablation(idle)
    (workspace.root / CHOSEN).write_text('{"lr_func": 0.01}\n')
    workspace.repo.git.commit("--all", "-m", "mine")

    told = stoichloop("pick", "e0003").stdout
    assert "left out, not shown to matter: e0002; --all picks them too" in told
    # Git sees neighbouring lines that changed on both sides; fields of a configuration have no neighbours.
    assert chosen(workspace.root) == {"lr_func": 0.01, "lr_k": 0.02}
    again = json.loads(stoichloop("pick", "e0003", "--all", "--json").stdout)
    assert ([one["experiment"] for one in again["placed"]], again["already"]) == (["e0002"], ["e0003"])
    assert chosen(workspace.root) == {"lr_func": 0.01, "lr_k": 0.02, "lr_S": 0.02}
    assert "on branch main already: e0002, e0003" in stoichloop("pick", "e0003").stdout


def test_a_conflict_leaves_everything_as_it_was(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    night.accept("e0002", {0: 0.5, 1: 0.52}, **SIGN_TIED)
    model = workspace.root / "gnn" / "model.py"
    model.write_text(model.read_text().replace("config.init_scale_S", "2.0 * config.init_scale_S"))
    workspace.repo.git.commit("--all", "-m", "mine")
    (workspace.root / "notes.txt").write_text("changed, and no part of this\n")
    said = refused(stoichloop, workspace.root, "e0003")
    assert "e0003: better than e0002" in said
    assert "conflicts with branch main in gnn/model.py; nothing was changed" in said
    by_hand = said.partition("to resolve it by hand: ")[2].split()
    done = subprocess.run(by_hand, cwd=workspace.root, capture_output=True, text=True, check=False)
    assert "Merge conflict in gnn/model.py" in done.stdout


def test_one_field_with_two_values_is_a_conflict(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    (workspace.root / CHOSEN).write_text('{"lr_S": 0.01}\n')
    workspace.repo.git.commit("--all", "-m", "mine")
    assert f"conflicts with branch main in {CHOSEN}" in refused(stoichloop, workspace.root, "e0002")


def test_what_would_not_train_is_not_put(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"gate": "sigmoid"})
    config = workspace.root / "gnn" / "config.py"
    config.write_text("".join(line for line in config.read_text().splitlines(True) if "gate: str" not in line))
    workspace.repo.git.commit("--all", "-m", "no gate")
    said = refused(stoichloop, workspace.root, "e0002")
    assert "would not train" in said
    assert "key 'gate'" in said


def test_a_branch_that_is_not_ready_is_refused(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    root, git = workspace.root, workspace.repo.git
    model = root / "gnn" / "model.py"
    model.write_text(model.read_text() + "# mine\n")
    assert "gnn/model.py; commit them" in refused(stoichloop, root, "e0002")
    git.checkout("gnn")
    (root / "gnn" / "mine.py").write_text("")
    said = refused(stoichloop, root, "e0002")
    assert "gnn/mine.py; commit them" in said
    subprocess.run(said.partition("stash them with ")[2].split(), cwd=root, check=True)
    assert not (root / "gnn" / "mine.py").exists()
    git.stash("drop")
    (root / "notes.txt").write_text("staged\n")
    git.add("notes.txt")
    assert "notes.txt; commit them" in refused(stoichloop, root, "e0002")
    git.reset("--hard")
    git.checkout("--detach")
    assert "HEAD is detached" in refused(stoichloop, root, "e0002")
    git.checkout("main")
    (root / ".git" / "MERGE_HEAD").write_text(f"{git.rev_parse('HEAD')}\n")
    assert "another git operation is in progress (MERGE_HEAD)" in refused(stoichloop, root, "e0002")


def test_the_users_hooks_apply(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    hook = workspace.root / ".git" / "hooks" / "prepare-commit-msg"
    hook.write_text("#!/bin/sh\necho 'no commits on Sundays' >&2\nexit 1\n")
    hook.chmod(0o755)
    assert "no commits on Sundays" in refused(stoichloop, workspace.root, "e0002")
    hook.write_text("#!/bin/sh\nexit 0\n")
    stoichloop("pick", "e0002")
    assert chosen(workspace.root) == {"lr_S": 0.02}


@pytest.mark.parametrize("known", [True, False])
def test_where_two_campaigns_have_it_one_must_be_named(
    stoichloop: Command, workspace: Workspace, night: Night, tiny: Dataset, known: bool
) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    other = Night(workspace, tiny, "other")
    other.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_k": 0.02})
    other.close()
    if not known:
        shutil.rmtree(workspace.runs)
        workspace.repo.git.worktree("prune")
    assert "in the campaigns night, other: choose one with --campaign" in refused(stoichloop, workspace.root, "e0002")
    stoichloop("pick", "e0002", "--campaign", "other")
    assert chosen(workspace.root) == {"lr_k": 0.02}
    assert "no branch exp/CAMPAIGN/e0009" in refused(stoichloop, workspace.root, "e0009")


def take(workspace: Workspace, experiment: str) -> Picked:
    return pick(workspace, find_chain(workspace.repo, experiment, None), [])


@pytest.mark.parametrize(
    "first",
    [SIGN_TIED, {"diff": read_move("role_start").diff}, {"changes": {"lr_S": 0.02, "gate": "sigmoid"}}],
    ids=["signs", "start", "values"],
)
def test_a_change_of_which_nothing_is_left_is_not_picked(
    workspace: Workspace, night: Night, first: dict[str, Any]
) -> None:
    git = workspace.repo.git
    night.accept("e0001", {0: 0.4, 1: 0.42}, **first)
    night.accept_tree("e0002", {0: 0.9, 1: 0.92})
    night.accept("e0003", {0: 0.95, 1: 0.97}, changes={"starts": 2})

    picked = take(workspace, "e0004")
    assert [one.experiment for one in picked.placed] == ["e0003", "e0004"]
    assert (picked.undone, picked.already, picked.left_out) == (["e0002"], [], [])
    assert git.rev_parse("HEAD:gnn") == git.rev_parse("exp/night/e0004:gnn")
    assert git.rev_parse("HEAD~1:gnn") == git.rev_parse("exp/night/e0003:gnn")
    assert git.log("-2", "--format=%B") == git.log("-2", "--format=%B", "exp/night/e0004")
    told = describe(take(workspace, "e0004"))
    assert "on branch main already: e0003, e0004\nnot picked, since later changes undo all of it: e0002" in told
    assert [path.name for path in workspace.runs.iterdir()] == ["night"]


def test_a_change_that_the_branch_has_already_stays_below_the_one_that_undoes_it(
    workspace: Workspace, night: Night
) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, **SIGN_TIED)
    take(workspace, "e0002")
    night.accept_tree("e0002", {0: 0.9, 1: 0.92})
    picked = take(workspace, "e0003")
    assert ([one.experiment for one in picked.placed], picked.already) == (["e0003"], ["e0002"])
    assert workspace.repo.git.rev_parse("HEAD:gnn") == workspace.repo.git.rev_parse("exp/night/e0003:gnn")


def test_a_pick_says_how_to_undo_it_and_where_the_code_will_run(workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    git, notes = workspace.repo.git, workspace.root / "notes.txt"
    notes.write_text("changed, and no part of this\n")
    before = git.rev_parse("HEAD")
    told = describe(take(workspace, "e0002"))
    assert "exact 0.4100 [0.2829, 0.5371] at fidelity probe, 0.125 of the full training, over seeds 0, 1" in told
    assert "'make test' runs this code with your permissions" in told
    undo, read = (re.findall(f"{words}: (git .*)", told)[0].split() for words in ("to undo", "read it first"))
    shown = subprocess.run(read, cwd=workspace.root, check=True, capture_output=True, text=True).stdout
    assert '+ "lr_S": 0.02' in shown
    subprocess.run(undo, cwd=workspace.root, check=True)
    assert (git.rev_parse("HEAD"), chosen(workspace.root)) == (before, {})
    assert notes.read_text() == "changed, and no part of this\n"
    take(workspace, "e0002")
    assert "to undo" not in describe(take(workspace, "e0002"))


def test_what_was_not_accepted_is_taken_only_by_force(stoichloop: Command, workspace: Workspace, night: Night) -> None:
    night.reject("e0001", {0: 0.1}, changes={"lr_S": 0.02})
    night.propose("e0001", changes={"lr_k": 0.02})
    rejected = "e0002 of campaign 'night' was rejected: -0.2790 on seed 0; 'stoichloop winners night' lists"
    assert rejected in refused(stoichloop, workspace.root, "e0002")
    assert rejected in stoichloop("verify", "E2", check=False).stderr
    with pytest.raises(StoichloopError, match="e0003 of campaign 'night' has no verdict yet"):
        find_chain(workspace.repo, "e0003", "night").require_accepted()
    with pytest.raises(StoichloopError, match="e0001 is the baseline, the code that a campaign starts from"):
        find_chain(workspace.repo, "e0001", None)
    stoichloop("pick", "2", "--force")
    assert chosen(workspace.root) == {"lr_S": 0.02}


@pytest.mark.parametrize(
    ("text", "name"), [("17", "e0017"), ("e17", "e0017"), ("E0017", "e0017"), ("12345", "e12345"), ("e1/7", "e1/7")]
)
def test_the_number_of_an_experiment_is_enough(text: str, name: str) -> None:
    assert full_id(text) == name


def test_a_commit_that_reaches_out_of_gnn_is_refused(workspace: Workspace, night: Night) -> None:
    """A branch may come from anywhere: what the loop would never have made is not taken either."""
    tip = night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02}).landed
    git, head = workspace.repo.git, workspace.repo.git.rev_parse("HEAD")
    for file in ("notes.txt", "agent.py", ".gitattributes"):
        git.switch("--quiet", "--detach", str(tip))
        (workspace.root / file).write_text("not a part of the experiment\n")
        git.add(file)
        git.commit("--amend", "--no-edit")
        git.branch("--force", "exp/night/e0002")
        git.switch("--quiet", "main")
        with pytest.raises(StoichloopError, match=f"{file} is not under gnn/, .*nothing was changed"):
            take(workspace, "e0002")
        assert git.rev_parse("HEAD") == head


def test_what_the_user_has_vetoed_since_is_taken_only_by_force(workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.4, 1: 0.42}, changes={"lr_S": 0.02})
    chain = find_chain(workspace.repo, "e0002", "night")
    refuse_vetoed(workspace, chain)
    with Ledger(workspace.runs / "night" / "memory.db") as ledger:
        ledger.add_interventions("1.json", [Intervention("veto", "Ada", 0.0, "e0002", "it cheats")])
    chain.require_accepted()  # by its branch, it is
    with pytest.raises(StoichloopError, match=r"e0002 is rejected: vetoed by Ada: it cheats; .* --force takes it"):
        refuse_vetoed(workspace, chain)

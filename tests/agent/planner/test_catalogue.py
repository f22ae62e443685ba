import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.analyzer.estimate import read_estimate
from agent.analyzer.score import score_artifact
from agent.errors import StoichloopError
from agent.executor.environment import trial_environment
from agent.executor.worktree import throw_away
from agent.planner import planner_names
from agent.planner.catalogue import apply, move_names, read_move, read_moves
from agent.workspace import Workspace, head_commit
from simulator.dataset import Dataset, prepare
from simulator.regime import find_regime


@pytest.fixture
def checkout(workspace: Workspace) -> Iterator[Path]:
    """A worktree of today's gnn/."""
    with throw_away(workspace.repo, workspace.runs / ".test") as worktrees:
        yield worktrees.edited(head_commit(workspace), lambda folder: None).folder


def write_move(catalogue: Path, name: str, patch: str, requires: str = "[]") -> None:
    (catalogue / name).mkdir(parents=True)
    (catalogue / name / "move.yaml").write_text(f"title: a move\nwhy: for a test\nrequires: {requires}\n")
    (catalogue / name / "move.patch").write_text(patch)


def new_file(path: str) -> str:
    header = f"diff --git a/{path} b/{path}\nnew file mode 100644\n"
    return header + f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+print('new')\n"


def with_requirements(name: str) -> list[str]:
    needed = [step for other in read_move(name).description.requires for step in with_requirements(other)]
    return [*dict.fromkeys(needed), name]


def train_with(
    name: str, checkout: Path, dataset: Dataset, out: Path, steps: int = 5, configuration: str = "{}"
) -> subprocess.CompletedProcess[str]:
    for move in read_moves(with_requirements(name)):
        apply(move, checkout)
    (out / "config.json").write_text(configuration)
    data: list[str | Path] = ["--observations", dataset.observations_path, "--config", out / "config.json"]
    return subprocess.run(
        [sys.executable, "-m", "gnn.train", *data, "--out", out, "--seed", "0", "--steps", str(steps)],
        cwd=checkout,
        env=trial_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize("name", move_names())
def test_every_move_applies_to_the_code_of_today_and_trains(
    name: str, checkout: Path, tiny: Dataset, tmp_path: Path
) -> None:
    done = train_with(name, checkout, tiny, tmp_path)
    assert done.returncode == 0, done.stderr
    estimate = read_estimate(tmp_path / "estimate.npz", tiny.truth.graph)
    if name == "sign_tied":
        assert (estimate.sto_all[tiny.truth.graph.sub_to_all] < 0).all()


@pytest.mark.parametrize("veiled", [(0.0, False)], indirect=True, ids=["signs"])
def test_signs_are_not_tied_to_roles_that_are_not_told(checkout: Path, veiled: Dataset, tmp_path: Path) -> None:
    done = train_with("sign_tied", checkout, veiled, tmp_path)
    assert done.returncode != 0
    assert "signs cannot be tied to roles that the graph does not tell" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "veiled", [(0.0, False), (1.0, True), (1.0, False)], indirect=True, ids=["signs", "decoy", "open"]
)
def test_integer_columns_are_columns_that_the_regime_allows(checkout: Path, veiled: Dataset, tmp_path: Path) -> None:
    done = train_with("integer_columns", checkout, veiled, tmp_path)
    assert done.returncode == 0, done.stderr
    graph = veiled.truth.graph
    sto_all = read_estimate(tmp_path / "estimate.npz", graph).sto_all
    assert set(np.abs(sto_all)) <= {0.0, 1.0, 2.0}
    assert (sto_all * graph.role >= 0).all()
    for column in (sto_all[graph.rxn_all == reaction] for reaction in range(graph.n_reactions)):
        assert column.sum() == 0
        assert 1 <= (column < 0).sum() <= 3
        assert 1 <= (column > 0).sum() <= 3


def test_what_a_common_metabolite_hides_comes_back_where_columns_need_not_balance(
    checkout: Path, unbalanced: Dataset, tmp_path: Path
) -> None:
    done = train_with("integer_columns", checkout, unbalanced, tmp_path, steps=1500)
    assert done.returncode == 0, done.stderr
    assert score_artifact(tmp_path / "estimate.npz", unbalanced)["exact_identifiable"] == 1.0


def test_ones_do_not_come_back_as_twos_and_four_protons_are_found(checkout: Path, tmp_path: Path) -> None:
    ecoli, _ = prepare(find_regime("ecoli_core"), tmp_path / "data")
    configuration = '{"few_frames": 320, "starts": 1, "patience": 0}'
    done = train_with("integer_columns", checkout, ecoli, tmp_path, steps=1500, configuration=configuration)
    assert done.returncode == 0, done.stderr
    scores = score_artifact(tmp_path / "estimate.npz", ecoli)
    assert scores["exact_identifiable"] > 0.98
    found = read_estimate(tmp_path / "estimate.npz", ecoli.truth.graph).sto_all
    assert (found == -4).sum() == 2


def test_a_new_move_is_found_by_its_folder_and_no_planner_is_mistaken_for_one(tmp_path: Path) -> None:
    write_move(tmp_path, "greeting", new_file("gnn/greeting.py"))
    assert move_names(tmp_path) == ["greeting"]
    assert read_move("greeting", tmp_path).description.title == "a move"
    assert not {"catalogue", "moves", "proposal"} & set(planner_names())


def test_a_move_adds_its_file_to_the_worktree_and_nothing_to_the_users_tree(
    checkout: Path, workspace: Workspace, tmp_path: Path
) -> None:
    write_move(tmp_path / "moves", "greeting", new_file("gnn/greeting.py"))
    apply(read_move("greeting", tmp_path / "moves"), checkout)
    assert (checkout / "gnn" / "greeting.py").is_file()
    assert workspace.repo.git.status("--porcelain") == ""


@pytest.mark.parametrize("path", ["agent/cli.py", "gnnx/model.py", "gnn/../agent/cli.py", "conftest.py"])
def test_a_move_that_leaves_gnn_is_refused(path: str, tmp_path: Path) -> None:
    write_move(tmp_path, "escape", new_file("gnn/harmless.py") + new_file(path))
    with pytest.raises(StoichloopError, match=rf"touches {path}, but a move may change files under gnn/ only"):
        read_move("escape", tmp_path)


@pytest.mark.parametrize(("patch", "words"), [("", "changes nothing"), ("@@ nonsense", "changes nothing")])
def test_a_patch_that_says_nothing_is_refused(patch: str, words: str, tmp_path: Path) -> None:
    write_move(tmp_path, "empty", patch)
    with pytest.raises(StoichloopError, match=words):
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
    with pytest.raises(StoichloopError, match=r"move 'stale' does not apply .*gnn/loss\.py.*move\.patch") as failure:
        apply(read_move("stale", tmp_path / "moves"), checkout)
    assert "\n" not in str(failure.value)
    assert not (checkout / "gnn" / "half.py").exists()

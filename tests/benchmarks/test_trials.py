from pathlib import Path

import pytest

from agent.executor.workspace import Workspace
from benchmarks.measure import measure
from benchmarks.recovery import plan
from benchmarks.trials import BenchmarkRun, Failed, Finished, code_of, read_results
from stoichloop.errors import StoichloopError
from tests.benchmarks.conftest import commit

REGIME = "pde_m1_tiny"


def free_sign(workspace: Workspace, seeds: int) -> tuple[BenchmarkRun, ...]:
    """Return the trials of the starting formulation alone."""
    return plan(workspace, REGIME, seeds, 0, baselines=True).free_sign


@pytest.mark.long
def test_a_finished_trial_is_kept_and_not_run_again(clone: Workspace, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    first = measure(free_sign(clone, 1), clone, results, jobs=1)
    line = results.read_text()
    both = measure(free_sign(clone, 2), clone, results, jobs=2)
    assert results.read_text().startswith(line)
    assert both == read_results(results)
    assert first.items() <= both.items()
    assert sorted(trial.seed for trial in both) == [0, 1]
    for done in both.values():
        assert isinstance(done, Finished)
        assert done.printed["steps"] == 5
        assert 0.0 <= done.scores["exact_identifiable"] <= 1.0
        assert done.scores["seconds"] > 0.0


def test_a_trial_that_fails_says_why_and_is_not_kept(clone: Workspace, tmp_path: Path) -> None:
    broken = free_sign(clone, 1)[0].model_copy(update={"seed": -1})
    (outcome,) = measure([broken], clone, tmp_path / "results.jsonl", jobs=1).values()
    assert isinstance(outcome, Failed)
    assert "--seed" in outcome.reason
    assert read_results(tmp_path / "results.jsonl") == {}


def test_other_code_is_another_trial(clone: Workspace) -> None:
    before = code_of(clone, REGIME)
    (clone.root / "notes.txt").write_text("something else\n")
    commit(clone)
    assert code_of(clone, REGIME) == before
    with (clone.root / "gnn" / "loss.py").open("a") as stream:
        stream.write("# changed\n")
    with pytest.raises(StoichloopError, match=r"gnn/loss.py is not committed"):
        code_of(clone, REGIME)
    commit(clone)
    assert code_of(clone, REGIME) != before


def after_change_of(clone: Workspace, file: str, recipe: str | None) -> str:
    """Return the key of a trial after a line was added to a file and committed."""
    with (clone.root / file).open("a") as stream:
        stream.write("# changed\n")
    commit(clone)
    return code_of(clone, REGIME, recipe)


@pytest.mark.parametrize(
    "file",
    [
        "gnn/model.py",
        "moves/integer_columns/move.yaml",
        f"recipes/{REGIME}.yaml",
        "simulator/kinetics/shared_functions.py",
        f"simulator/regimes/{REGIME}.yaml",
        "agent/analyzer/scoring/score.py",
        "agent/base/untrusted.py",
        "agent/training/run.py",
    ],
)
def test_a_change_of_what_a_score_depends_on_is_another_trial(clone: Workspace, file: str) -> None:
    before = code_of(clone, REGIME, "best")
    assert after_change_of(clone, file, "best") != before


@pytest.mark.parametrize(
    "file",
    [
        "agent/report/assets/page.css",
        "agent/analyzer/judging/findings.py",
        "simulator/regimes/pde_m1.yaml",
        "agent/cli/main.py",
    ],
)
def test_a_change_of_what_no_score_depends_on_is_the_same_trial(clone: Workspace, file: str) -> None:
    before = code_of(clone, REGIME, "best")
    assert after_change_of(clone, file, "best") == before


def test_without_a_recipe_moves_are_no_part_of_a_trial(clone: Workspace) -> None:
    before = code_of(clone, REGIME)
    assert after_change_of(clone, "moves/integer_columns/move.yaml", None) == before
    assert after_change_of(clone, f"recipes/{REGIME}.yaml", None) == before


def test_a_line_that_is_no_trial_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"trial": 1}\n')
    with pytest.raises(StoichloopError, match=r"results.jsonl: line 1 is not a finished trial"):
        read_results(path)


def test_a_plan_holds_seeds_siblings_and_the_starting_formulation(clone: Workspace) -> None:
    found = plan(clone, REGIME, seeds=2, siblings=1, baselines=True)
    assert [" ".join(trial.arguments()) for trial in found.trials] == [
        "train pde_m1_tiny --seed 0 --json --recipe best",
        "train pde_m1_tiny --seed 1 --json --recipe best",
        "train pde_m1_tiny --seed 0 --json --recipe best --sibling 1",
        "train pde_m1_tiny --seed 0 --json",
        "train pde_m1_tiny --seed 1 --json",
    ]

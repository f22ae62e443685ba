import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.executor.workspace import Workspace
from benchmarks.ablation import FACTORS, Arm, arms_of, compare
from benchmarks.summary import SCORES
from benchmarks.trials import BenchmarkRun, Failed, Finished
from stoichloop.errors import StoichloopError
from tests.conftest import ROOT

PLAIN: Arm = ("message=substrates", "gate=none", "attention=none", "message_activation=identity")
GATED: Arm = ("message=substrates", "gate=sigmoid", "attention=none", "message_activation=identity")


def ablation(workspace: Workspace, results: Path, *options: str) -> subprocess.CompletedProcess[str]:
    common = ["pde_m1_tiny", "--results", str(results), "--seeds", "1", "--steps", "5"]
    plain = ["--gate", "none", "--attention", "none", "--activation", "identity"]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "ablation", *common, *plain, *options],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def trial(arm: Arm, seed: int) -> BenchmarkRun:
    return BenchmarkRun(regime="pde_m1", sibling=None, seed=seed, recipe=None, settings=arm, steps=5, code="a-b-c")


def finished(arm: Arm, seed: int, exact: float) -> Finished:
    scores = {**dict.fromkeys(SCORES, 0.5), "exact": exact}
    return Finished(trial=trial(arm, seed), seconds=1.0, printed={"scores": scores})


@pytest.mark.long
def test_a_second_run_adds_what_the_first_lacks_and_nothing_else(clone: Workspace, tmp_path: Path) -> None:
    results = tmp_path / "kept" / "results.jsonl"
    done = ablation(clone, results, "--message", "substrates")
    assert done.returncode == 0, done.stderr
    first = results.read_text()
    done = ablation(clone, results)
    assert done.returncode == 0, done.stderr
    assert results.read_text().startswith(first)
    configurations = [json.loads(line)["printed"]["configuration"] for line in results.read_text().splitlines()]
    assert [configuration["message"] for configuration in configurations] == ["substrates", "hypergraph"]
    reference, other = json.loads(done.stdout)["arms"]
    assert reference["seeds"]["scores"]["exact"]["values"] == [json.loads(first)["printed"]["scores"]["exact"]]
    assert (reference["settings"], reference["exact_lead"]) == (list(PLAIN), 0.0)
    assert other["settings"] == ["message=hypergraph", *PLAIN[1:]]


def test_without_levels_there_is_an_arm_for_each_combination(workspace: Workspace) -> None:
    arms = arms_of(workspace, {**dict.fromkeys(FACTORS), "message_activation": ["identity", "gelu"]})
    assert len(arms) == len(set(arms)) == 16
    assert arms[0] == PLAIN
    with pytest.raises(StoichloopError, match="--gate half: levels of 'gate' are none, sigmoid"):
        arms_of(workspace, {"gate": ["half"]})


def test_arms_are_medians_and_led_seed_by_seed() -> None:
    plain = [finished(PLAIN, seed, exact) for seed, exact in enumerate([0.2, 0.5, 0.9])]
    gated = [finished(GATED, seed, exact) for seed, exact in enumerate([0.3, 0.5, 0.4])]
    reference, other = compare({PLAIN: plain, GATED: gated})
    assert (reference.exact_lead, reference.seeds.scores["exact"].median) == (0.0, 0.5)
    assert (other.exact_lead, other.seeds.scores["exact"].median) == (0.0, 0.4)
    assert compare({PLAIN: plain[:1], GATED: gated[1:]})[1].exact_lead is None


def test_a_seed_that_failed_is_named_and_leads_nothing() -> None:
    gated: list[Finished | Failed] = [finished(GATED, 0, 0.3), Failed(trial(GATED, 1), "the loss became nan")]
    plain = [finished(PLAIN, seed, 0.2) for seed in range(2)]
    _, other = compare({PLAIN: plain, GATED: gated})
    assert other.exact_lead == pytest.approx(0.1)
    assert list(other.seeds.failed.values()) == ["the loss became nan"]

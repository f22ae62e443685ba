import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.workspace import Workspace
from benchmarks.ablation import SCORES, summarise
from tests.conftest import ROOT


def ablation(workspace: Workspace, results: Path, *options: str) -> subprocess.CompletedProcess[str]:
    common = ["--regime", "pde_m1_tiny", "--steps", "5", "--seeds", "1", "--gate", "none", "--attention", "none"]
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.ablation", "--results", str(results), *common, *options],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def record(gate: str, seed: int, exact: float) -> dict[str, Any]:
    return {
        "configuration": {"gate": gate, "attention": "none", "message_activation": "identity"},
        "seed": seed,
        "scores": {**dict.fromkeys(SCORES, 0.0), "exact": exact},
        "seconds": 1.0,
    }


def test_a_second_run_adds_what_the_first_lacks_and_nothing_else(workspace: Workspace, tmp_path: Path) -> None:
    results = tmp_path / "kept" / "results.jsonl"
    assert ablation(workspace, results, "--activation", "identity").returncode == 0
    first = results.read_text()
    done = ablation(workspace, results, "--activation", "identity", "tanh")
    assert done.returncode == 0, done.stderr
    assert results.read_text().startswith(first)
    assert len(results.read_text().splitlines()) == 2
    summary = json.loads(done.stdout)
    assert [arm["message_activation"] for arm in summary["arms"]] == ["identity", "tanh"]
    assert summary["arms"][0]["exact"] == json.loads(first)["scores"]["exact"]
    assert summary["machine"]["cores"] >= 1


def test_a_trial_that_fails_is_named_and_not_remembered(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "gnn" / "configuration.json").write_text('{"lr_S": 1e30}')
    done = ablation(workspace, tmp_path / "results.jsonl", "--activation", "identity")
    assert done.returncode == 1
    assert "the loss became" in json.loads(done.stdout)["failed"][0]["reason"]
    assert not (tmp_path / "results.jsonl").exists()


def test_a_half_written_line_is_named(workspace: Workspace, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text('{"code": "12')
    done = ablation(workspace, results)
    assert done.returncode == 1
    assert f"{results}: line 1" in done.stderr


def test_arms_are_medians_and_led_seed_by_seed() -> None:
    records = [record("none", seed, exact) for seed, exact in enumerate([0.2, 0.5, 0.9])]
    records += [record("sigmoid", seed, exact) for seed, exact in enumerate([0.3, 0.5, 0.4])]
    plain, gated = summarise(records, ("none", "none", "identity"))
    assert (plain["exact"], plain["exact_lead"], plain["exact_range"]) == (0.5, 0.0, [0.2, 0.9])
    assert (gated["exact"], gated["exact_lead"]) == (0.4, pytest.approx(0.0))
    assert summarise(records[3:], ("none", "none", "identity"))[0]["exact_lead"] is None

"""A night in which every tenth proposal is drawn from what no planner should answer."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torture import fuzzed_answers
from tests.torture.campaigns import Night
from tests.torture.conftest import FIGURES

pytestmark = pytest.mark.torture

# A training that is quick: what is tested is what becomes of proposals, not of models.
TRAIN = """
import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

from gnn.config import resolve


def main():
    parser = argparse.ArgumentParser()
    for name in ("observations", "config", "out"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("seed", "steps"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--device")
    arguments = parser.parse_args()
    resolve(json.loads(arguments.config.read_text()))
    with np.load(arguments.observations) as known:
        role, reactions, alphabet = known["role"], int(known["n_reactions"]), known["alphabet"]
    grid, draw = np.linspace(0.0, 3.0, 5), np.random.default_rng(arguments.seed)
    line = {"step": arguments.steps, "steps": arguments.steps, "loss": 1.0, "loss_pred": 1.0}
    (arguments.out / "curves.jsonl").write_text(json.dumps(line) + "\\n")
    np.savez(
        arguments.out / "estimate.npz",
        sto_all=np.where(role > 0, 1.0, -1.0) * draw.choice(alphabet, len(role)),
        log_k=np.zeros(reactions),
        substrate_func_c=grid,
        substrate_func_s=grid,
        substrate_func=np.ones((5, 5)),
        rate_func_h=grid,
        rate_func=grid,
    )
    models = ["trained"]
    if None in models:
        sys.exit(3)


if __name__ == "__main__":
    main()
"""

EXPERIMENTS = 500
_PATIENCE_S = 14400.0


def test_a_night_of_fuzzed_proposals_runs_to_its_end(night_of: Callable[..., Night], tmp_path: Path) -> None:
    counter = tmp_path / "calls"
    program = f"{sys.executable} {fuzzed_answers.__file__} {counter}"
    night = night_of("--planner", "command", "--program", program, "--experiments", str(EXPERIMENTS), "--budget", "8h")
    (night.workspace.root / "gnn" / "train.py").write_text(TRAIN)
    night.workspace.repo.git.commit("--all", "--message=code that is quick to run")
    night.start()
    assert night.life is not None
    said = night.life.communicate(timeout=_PATIENCE_S)[0]
    assert night.life.returncode == 0, said[-4000:]
    experiments = night.experiments()
    assert len(experiments) == 1 + EXPERIMENTS
    assert all(e.verdict is not None for e in experiments)
    assert night.is_quiet()
    assert len(str(night.workspace.repo.git.worktree("list")).splitlines()) == 1
    log = (night.folder / "log.md").read_text()
    assert "Traceback" not in said + re.sub(r"(?s)```.*?```", "", log)
    assert re.findall(r"^### (e\d+)", log, re.MULTILINE) == [e.id for e in experiments], "a forged heading"
    assert (night.folder / "report.html").is_file()
    FIGURES.update(Counter(f"fuzzed night: {e.verdict.verdict}" for e in experiments if e.verdict))
    FIGURES["fuzzed night: fuzzed answers"] = counter.read_text().splitlines().count("odd")

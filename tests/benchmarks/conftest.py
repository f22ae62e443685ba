import shutil

import pytest

from agent.executor.workspace import Workspace
from tests.conftest import ROOT


@pytest.fixture
def clone(workspace: Workspace) -> Workspace:
    """Return a clone of all code that a trial depends on, with a training budget for tests."""
    for package in ("agent", "benchmarks", "moves", "simulator"):
        shutil.copytree(ROOT / package, workspace.root / package, ignore=shutil.ignore_patterns("__pycache__"))
    regime = workspace.root / "simulator" / "regimes" / "pde_m1_tiny.yaml"
    regime.write_text(regime.read_text().replace("full_steps: 1500", "full_steps: 5"))
    commit(workspace)
    return workspace


def commit(workspace: Workspace) -> None:
    """Commit whatever has changed."""
    workspace.repo.git.add("--all")
    workspace.repo.git.commit("-m", "change")

"""Shared by the tests of planners and moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.executor.code.code_state import CodeState
from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from memory.records import Experiment
from tests.agent.experiments import scored
from tests.conftest import ROOT, UNCONTAINED


@pytest.fixture
def checkout(workspace: Workspace) -> Iterator[Path]:
    """Yield a worktree of today's gnn/."""
    with throw_away(workspace.repo, workspace.runs / ".test", workspace.sandbox) as worktrees:
        yield worktrees.edited(head_commit(workspace), lambda folder: None).folder


@pytest.fixture(scope="module")
def state() -> CodeState:
    return CodeState(ROOT, UNCONTAINED)


@pytest.fixture(scope="module")
def baseline(state: CodeState) -> Experiment:
    return scored("e0001", [0.3], configuration=state.resolve({}), block=0)

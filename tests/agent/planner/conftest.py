"""Shared by the tests of planners and moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit


@pytest.fixture
def checkout(workspace: Workspace) -> Iterator[Path]:
    """Yield a worktree of today's gnn/."""
    with throw_away(workspace.repo, workspace.runs / ".test", workspace.sandbox) as worktrees:
        yield worktrees.edited(head_commit(workspace), lambda folder: None).folder

"""Shared by the tests of the loop: a campaign that needs no night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.executor.workspace import Workspace
from simulator.dataset import Dataset
from tests.agent.winners.nights import Night


@pytest.fixture
def night(workspace: Workspace, tiny: Dataset) -> Iterator[Night]:
    """Return the campaign `night` in the user's repository, so far with its baseline."""
    made = Night(workspace, tiny)
    yield made
    made.close()

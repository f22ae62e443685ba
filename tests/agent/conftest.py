"""Shared by the tests of the loop: a campaign with real trials, led by what docs/api.md shows."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.workspace import Workspace
from simulator.dataset import Dataset
from tests.conftest import ROOT, clone_for


@dataclass(frozen=True)
class Documented:
    """What running the page has left: the user's repository, the campaign `night` in it, and the page's names."""

    workspace: Workspace
    campaign: CampaignFolder
    names: dict[str, Any]


@pytest.fixture(scope="session")
def documented(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Documented:
    """The Python blocks of docs/api.md, run one after the other; the campaign is only to be read."""
    pytest.importorskip("cobra")
    workspace = clone_for(tmp_path_factory.mktemp("documented") / "clone", tiny)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    with (
        contextlib.chdir(workspace.root),
        Path("printed.txt").open("w") as printed,
        contextlib.redirect_stdout(printed),
    ):
        for block in blocks:
            exec(block, names)
    return Documented(workspace, open_campaign(workspace, "night"), names)

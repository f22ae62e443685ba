"""A campaign for the tests of the page, whose trials are written by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from agent.campaign.folder import CampaignFolder, open_campaign
from agent.executor.workspace import Workspace
from agent.report.page import Report
from memory.ledger import Ledger
from memory.records import Verdict
from simulator.dataset import Dataset, verify
from tests.agent.analyzer.scoring.estimates import true_estimate, write_estimate
from tests.agent.winners.nights import SIGN_TIED, Night
from tests.conftest import clone_for

LAG = "screened out at probe on 2 seeds: 0.1000 against 0.2850 of e0001, -0.1850"
BROKEN = "crashed: ValueError: no room"


@dataclass(frozen=True)
class Paged:
    """A campaign with a baseline, two rejected sweeps, one failed and one accepted change of code."""

    workspace: Workspace
    campaign: CampaignFolder
    dataset: Dataset

    @cached_property
    def report(self) -> Report:
        """A report of it, which draws each figure once."""
        return Report(self.workspace, self.campaign, self.dataset)

    def html(self) -> str:
        """Return its page."""
        with Ledger(self.campaign.ledger_path, readonly=True) as ledger:
            return self.report.html(ledger)


@pytest.fixture(scope="session")
def paged(tmp_path_factory: pytest.TempPathFactory, tiny: Dataset) -> Paged:
    """Return the campaign; only to be read."""
    workspace = clone_for(tmp_path_factory.mktemp("report") / "clone", tiny)
    night = Night(workspace, tiny)
    lagging = Verdict("rejected", LAG, "e0001", -0.185)
    night.accept("e0001", {0: 0.1, 1: 0.1}, lagging, changes={"depth": 3, "lr_S": 0.02}, title="deeper functions")
    night.accept("e0001", {0: 0.26}, lagging, changes={"depth": 1}, title="shallower functions")
    night.accept("e0001", {}, Verdict("failed", BROKEN), changes={"activation": "silu"}, title="another activation")
    night.accept("e0001", {0: 0.9, 1: 0.92, 2: 0.91}, title="tie the signs", **SIGN_TIED)
    for seed, wrong in {0: 3, 1: 2, 2: 3}.items():
        folder = night.campaign.folder / f"experiments/e0005/s{seed}-probe"
        folder.mkdir(parents=True)
        changed = tiny.truth.sto_all.astype(float)
        changed[:wrong] *= -1.0
        write_estimate(true_estimate(tiny, sto_all=changed), folder / "estimate.npz")
        losses = [{"step": step, "steps": 500, "loss": 1.0, "loss_pred": 1.0 / step} for step in range(1, 400, 9)]
        (folder / "stdout.txt").write_text("step 1\x1b of 500\n")
        (folder / "curves.jsonl").write_text("\n".join(map(json.dumps, losses)))
    night.close()
    return Paged(workspace, open_campaign(workspace, "night"), verify(tiny.regime, workspace.data))


@pytest.fixture
def again(paged: Paged, tmp_path: Path) -> Paged:
    """Return a copy of the campaign that a test may extend."""
    root = tmp_path / "again"
    shutil.copytree(paged.workspace.root, root, symlinks=True)
    workspace = replace(paged.workspace, root=root)
    return Paged(workspace, open_campaign(workspace, "night"), paged.dataset)

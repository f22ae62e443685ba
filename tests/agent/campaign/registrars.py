"""The registrar of a campaign that has begun, for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agent.campaign.folder import start_campaign
from agent.campaign.registrar import Registrar
from agent.executor.code.worktree import Worktrees
from agent.executor.workspace import Workspace
from memory.ledger import Ledger
from memory.records import Decision, Verdict
from simulator.dataset import Dataset


@contextmanager
def begun(workspace: Workspace, tiny: Dataset) -> Iterator[Registrar]:
    """Yield the registrar of a campaign called night whose baseline is accepted."""
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    worktrees = Worktrees(workspace.repo, campaign.folder / "worktrees", workspace.sandbox)
    with Ledger(campaign.ledger_path) as ledger:
        made = Registrar(campaign, worktrees, ledger)
        ledger.open_block(Decision("baseline", None, "first"), [made.baseline()])
        ledger.add_verdict("e0001", Verdict("accepted", "the baseline"))
        ledger.close_block(0, "measured", [])
        yield made
        worktrees.clear()

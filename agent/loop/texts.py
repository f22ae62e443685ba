"""The texts and pictures in a campaign's folder, written anew after every block."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.best_effort import BestEffort
from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder
from agent.executor.workspace import Workspace
from agent.report.course import draw_curve
from agent.report.page import Report
from memory.ending import CampaignState
from memory.ledger import Ledger
from memory.render import Log, working_memory, write_atomically
from simulator.dataset import FrozenData


class Texts:
    """`memory.md`, `log.md`, `curve.svg` and `report.html` of one campaign.

    One that cannot be made is noted, once for each reason, and the file stays as it was.
    """

    def __init__(
        self,
        workspace: Workspace,
        campaign: CampaignFolder,
        dataset: FrozenData,
        ledger: Ledger,
        note: Callable[[str], None],
    ) -> None:
        self._campaign, self._ledger, self._effort = campaign, ledger, BestEffort(note)
        self._log, self._report = Log(ledger), Report(workspace, campaign, dataset)

    def write(self) -> None:
        """Render all of them."""
        state = self._effort.attempt("the state of the campaign", self._state, None)
        self._replace("memory.md", lambda: working_memory(self._ledger, state))
        self._replace("log.md", lambda: self._log.text(state))
        self._replace("curve.svg", self._curve)
        self._replace("report.html", lambda: self._report.html(self._ledger))

    def _state(self) -> CampaignState:
        return read_state(self._campaign, self._ledger, self._ledger.outlines(self._campaign.settings.fidelity))

    def _replace(self, name: str, render: Callable[[], str]) -> None:
        self._effort.attempt(name, lambda: write_atomically(self._campaign.folder / name, render()), None)

    def _curve(self) -> str:
        settings, ledger = self._campaign.settings, self._ledger
        return draw_curve(ledger.experiments(), ledger.blocks(), settings.fidelity, objective=settings.objective)

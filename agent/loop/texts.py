"""The texts and pictures in a campaign's folder, written anew after every block."""

from __future__ import annotations

from collections.abc import Callable

from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder
from agent.executor.workspace import Workspace
from agent.report.course import write_curve
from agent.report.page import Report
from memory.ledger import Ledger
from memory.render import Log, working_memory, write_atomically
from simulator.dataset import FrozenData


class Texts:
    """`memory.md`, `log.md`, `curve.svg` and `report.html` of one campaign."""

    def __init__(
        self,
        workspace: Workspace,
        campaign: CampaignFolder,
        dataset: FrozenData,
        ledger: Ledger,
        note: Callable[[str], None],
    ) -> None:
        self._campaign, self._ledger, self._note = campaign, ledger, note
        self._log, self._report = Log(ledger), Report(workspace, campaign, dataset)

    def write(self) -> None:
        """Render all of them."""
        folder, settings, ledger = self._campaign.folder, self._campaign.settings, self._ledger
        state = read_state(self._campaign, ledger, ledger.outlines(settings.fidelity))
        write_atomically(folder / "memory.md", working_memory(ledger, state))
        write_atomically(folder / "log.md", self._log.text(state))
        experiments, curve = ledger.experiments(), folder / "curve.svg"
        write_curve(curve, experiments, ledger.blocks(), settings.fidelity, objective=settings.objective)
        try:
            page = self._report.html(ledger)
        except Exception as error:  # an estimate that cannot be drawn must not cost a night
            self._note(f"the report cannot be drawn: {type(error).__name__}: {error}")
        else:
            write_atomically(self._campaign.report_path, page)

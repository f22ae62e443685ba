"""The campaigns of a clone, a line each."""

from __future__ import annotations

from dataclasses import dataclass

from agent.campaign.budget import usual_s
from agent.campaign.campaign_state import read_state
from agent.campaign.folder import open_campaign
from agent.executor.trial import LOWEST
from agent.executor.workspace import Workspace
from memory.ledger import WALL_S, Ledger
from memory.objective import Objective
from stoichloop.errors import StoichloopError


@dataclass(frozen=True)
class CampaignLine:
    """One campaign at one moment.

    Attributes:
        state: how it ended, that it runs, or why it cannot be read.
        best: the experiment accepted last. score: its mean at the campaign's fidelity. gain: that over the baseline.
        spent_s: wall-clock seconds of its controllers. written_at: time of the last addition to its ledger.
    """

    name: str
    state: str
    written_at: float
    regime: str = ""
    objective: Objective = "exact"
    best: str | None = None
    score: float | None = None
    gain: float | None = None
    experiments: int = 0
    spent_s: float = 0.0


def list_campaigns(workspace: Workspace) -> list[CampaignLine]:
    """Return the campaigns, the one written to last first. One that cannot be read says so in its state."""
    lines = [_line(workspace, name) for name in workspace.campaign_names]
    return sorted(lines, key=lambda line: -line.written_at)


def _line(workspace: Workspace, name: str) -> CampaignLine:
    try:
        campaign = open_campaign(workspace, name)
        with Ledger(campaign.ledger_path, readonly=True) as ledger:
            lines = ledger.outlines(campaign.settings.fidelity)
            best = max((line for line in lines if line.accepted), key=lambda line: line.rank or 0, default=None)
            score, start = (best.score, lines[0].score) if best else (None, None)
            return CampaignLine(
                name,
                str(read_state(campaign, ledger, lines)),
                campaign.last_written,
                campaign.settings.regime,
                campaign.settings.objective,
                best.id if best else None,
                score,
                None if score is None or start is None else score - start,
                len(lines),
                ledger.spent(WALL_S),
            )
    except StoichloopError as error:
        return CampaignLine(name, f"cannot be read: {error}", 0.0)


def usual_probe_s(workspace: Workspace) -> dict[str, float]:
    """Return the usual seconds of a trial at the lowest fidelity on each regime, by the campaign written to last."""
    times: dict[str, float] = {}
    for line in list_campaigns(workspace):
        if line.regime and line.regime not in times:
            campaign = open_campaign(workspace, line.name)
            with Ledger(campaign.ledger_path, readonly=True) as ledger:
                if (seconds := usual_s(ledger.experiments(), LOWEST)) is not None:
                    times[line.regime] = seconds
    return times

"""The commands `stoichloop pause` and `stoichloop resume`."""

from __future__ import annotations

from agent.cli.options import CampaignName
from agent.cli.output import say
from memory.intervention import InterventionKind


def pause(campaign: CampaignName = None) -> None:
    """Pause a campaign until 'resume'. Running trials finish, no new one starts, and the clock of the budget stops."""
    _ask("pause", campaign)


def resume(campaign: CampaignName = None) -> None:
    """Continue a paused campaign."""
    _ask("resume", campaign)


def _ask(kind: InterventionKind, campaign: str | None) -> None:
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    say(intervene(workspace, open_campaign(workspace, campaign), kind).words)

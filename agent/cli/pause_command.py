"""The commands `stoichloop pause` and `stoichloop resume`."""

from __future__ import annotations

from agent.cli.options import CampaignName
from agent.cli.output import say
from memory.intervention import InterventionKind


def pause(campaign: CampaignName = None) -> None:
    """Let a campaign start nothing until 'resume'. Trials that run go on to their end, and the budget rests."""
    _ask("pause", campaign)


def resume(campaign: CampaignName = None) -> None:
    """Let a paused campaign go on."""
    _ask("resume", campaign)


def _ask(kind: InterventionKind, campaign: str | None) -> None:
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    say(intervene(workspace, open_campaign(workspace, campaign), kind).words)

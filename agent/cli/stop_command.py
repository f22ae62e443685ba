"""The command `stoichloop stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignName
from agent.cli.output import say


def stop(
    campaign: CampaignName = None,
    at: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, metavar="SCORE", help="End only once the incumbent's mean score reaches this."),
    ] = None,
) -> None:
    """End a running campaign, as Ctrl-C in its terminal does."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    say(intervene(workspace, open_campaign(workspace, campaign), "stop", score=at).words)

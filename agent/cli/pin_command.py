"""The command `stoichloop pin`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignOption, ExperimentName
from agent.cli.output import say


def pin(
    experiment: ExperimentName,
    campaign: CampaignOption = None,
    undo: Annotated[bool, typer.Option("--undo", help="Remove the pin.")] = False,
) -> None:
    """Build proposals on an experiment. If several are pinned, they take turns."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    opened = open_campaign(workspace, campaign)
    say(intervene(workspace, opened, "unpin" if undo else "pin", experiment=experiment).words)

"""The command `stoichloop veto`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignOption, ExperimentName
from agent.cli.output import say
from memory.intervention import InterventionKind


def veto(
    experiment: ExperimentName,
    campaign: CampaignOption = None,
    because: Annotated[str, typer.Option(metavar="TEXT", help="Reason, for the log.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take back a veto of an accepted experiment.")] = False,
) -> None:
    """Reject an experiment and all experiments built on it."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace

    workspace = current_workspace()
    opened = open_campaign(workspace, campaign)
    kind: InterventionKind = "unveto" if undo else "veto"
    say(intervene(workspace, opened, kind, experiment=experiment, words=because).words)

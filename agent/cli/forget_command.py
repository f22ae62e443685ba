"""The command `stoichloop forget`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agent.cli.completion import complete_campaign
from agent.cli.output import say


def forget(
    campaign: Annotated[
        str, typer.Argument(metavar="CAMPAIGN", help="Name of a campaign.", autocompletion=complete_campaign)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
) -> None:
    """Remove a campaign: its folder in runs/, branches and refs. Asks first."""
    from agent.campaign.forget import find_remains
    from agent.executor.workspace import current_workspace
    from stoichloop.errors import StoichloopError

    remains = find_remains(current_workspace(), campaign)
    say(f"this removes campaign '{campaign}':\n{remains}")
    for branch in remains.kept:
        say(f"branch {branch} stays: it ends in a commit that is not the campaign's")
    say("your own branches with picked commits, the data, and remote branches stay")
    if not yes and not sys.stdin.isatty():
        raise StoichloopError(f"there is no terminal to ask in: 'stoichloop forget {campaign} --yes' removes it")
    if yes or typer.confirm("remove it?"):
        remains.remove()
        say(f"campaign '{campaign}' is removed")
    else:
        say("nothing was removed")

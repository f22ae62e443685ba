"""The command `stoichloop status`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignName, Json
from agent.cli.output import print_json


def status(
    campaign: CampaignName = None,
    watching: Annotated[bool, typer.Option("--watch", help="Keep the view up to date until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show state, incumbent, leaderboard and budget of a campaign."""
    from rich.text import Text

    from agent.base.console import Console
    from agent.campaign.folder import open_campaign
    from agent.campaign.status import read_status
    from agent.executor.workspace import current_workspace
    from agent.screen.status_view import state_lines, status_view
    from memory.ledger import Ledger

    opened, console = open_campaign(current_workspace(), campaign), Console()
    with Ledger(opened.ledger_path, readonly=True) as ledger:
        if watching:
            from agent.screen.live import watch

            watch(console, opened, ledger)
            return
        now = read_status(opened, ledger)
    if as_json:
        print_json(now.model_dump(mode="json"))
        return
    lines = state_lines(now)
    if console.is_terminal and now.running and now.why:  # which the view cuts to a line
        lines.append(Text.assemble((f"{now.rung}: ", "dim"), now.why))
    for line in lines:
        console.print(line, soft_wrap=True)
    console.print(status_view(now, console.height - 1 - len(lines)) if console.is_terminal else status_view(now))

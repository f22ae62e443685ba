"""The command `stoichloop log`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignName, Json
from agent.cli.output import print_json, say


def log(
    campaign: CampaignName = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Print only entries that contain TEXT, ignoring case.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the campaign's log: all experiments, blocks and findings."""
    from agent.base.console import Console
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace
    from memory.ledger import Ledger
    from memory.render import Log, entries
    from memory.render import search as search_entries

    with Ledger(open_campaign(current_workspace(), campaign).ledger_path, readonly=True) as ledger:
        if as_json:
            print_json(entries(ledger) if search is None else search_entries(ledger, search))
            return
        parts = [Log(ledger).text()] if search is None else search_entries(ledger, search)
    text = "\n\n".join(parts) or f"no entry contains '{search}'"
    if (console := Console()).is_terminal:
        from agent.screen.log_view import log_view

        for part in log_view(text, search or ""):
            console.print(part)
    else:
        say(text)

"""The command `stoichloop log`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignName, Json
from agent.cli.output import page, print_json, say


def log(
    campaign: CampaignName = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Print only entries that contain TEXT, ignoring case.")
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Print only the last N experiments, or the last N found.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the campaign's log: all experiments, blocks and findings."""
    from agent.base.console import Console
    from agent.campaign.campaign_state import read_state
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace
    from memory.ledger import Ledger
    from memory.render import Log, entries, experiment_text
    from memory.render import search as search_entries

    opened = open_campaign(current_workspace(), campaign)
    with Ledger(opened.ledger_path, readonly=True) as ledger:
        kept = slice(None if last is None else -last, None)
        if as_json and search is None:
            told = entries(ledger)
            print_json(told if last is None else told | {"experiments": told["experiments"][kept]})
            return
        if search is not None:
            parts = search_entries(ledger, search)[kept]
        elif last is not None:
            known = {e.id: e for e in ledger.experiments()}
            parts = [experiment_text(e, known.get(e.parent or "")).strip() for e in list(known.values())[kept]]
        else:
            parts = [Log(ledger).text(read_state(opened, ledger, ledger.outlines(opened.settings.fidelity)))]
    if as_json:
        print_json(parts)
        return
    text = "\n\n".join(parts) or f"no entry contains '{search}'"
    if (console := Console()).is_terminal:
        from rich.console import Group

        from agent.screen.log_view import log_view

        page(console, Group(*log_view(text, search or "")))
    else:
        say(text)

"""The command `stoichloop campaigns`."""

from __future__ import annotations

from dataclasses import asdict

from agent.cli.options import Json
from agent.cli.output import print_json, say


def campaigns(as_json: Json = False) -> None:
    """List the campaigns: state, best experiment, gain, time spent."""
    from rich.text import Text

    from agent.base.console import Console, FittedTable
    from agent.base.duration import format_duration
    from agent.campaign.campaign_list import list_campaigns
    from agent.executor.workspace import current_workspace
    from memory.formatting import decimal, moment

    lines = list_campaigns(current_workspace())
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    if not lines:
        say("there is no campaign yet; start one with: stoichloop explore pde_m1_tiny")
        return
    table = FittedTable(box=None, header_style="dim", pad_edge=False)
    for name in ("campaign", "regime", "best", "score", "gain", "spent", "last written"):
        table.add_column(name, no_wrap=True)
    table.add_column("state", overflow="fold")
    for line in lines:
        score = "" if line.score is None else f"{line.objective} {decimal(line.score)}"
        gain = "" if line.gain is None else decimal(line.gain, sign="+")
        when = moment(line.written_at)[:16] if line.written_at else ""
        cells = line.name, line.regime, line.best or "", score, gain, format_duration(line.spent_s), when, line.state
        table.add_row(*map(Text, cells))
    Console().print(table)

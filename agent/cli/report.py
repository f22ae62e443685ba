"""The command `stoichloop report`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from agent.cli.options import CampaignName, Json, print_json
from agent.executor.workspace import current_workspace
from agent.training.datasets import dataset_of

app = typer.Typer()


@app.command()
def report(
    campaign: CampaignName = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show it on 127.0.0.1, live, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="For --serve; 0 takes any that is free.")] = 8765,
    as_json: Json = False,
) -> None:
    """One self-contained HTML file."""
    from agent.campaign.folder import open_campaign
    from agent.report.page import Report
    from agent.report.serve import ReportServer
    from memory.ledger import Ledger
    from memory.render import write_atomically

    workspace = current_workspace()
    found = open_campaign(workspace, campaign)
    data, _ = dataset_of(found.settings.regime, quiet=as_json)
    page = Report(workspace, found, data)
    if serve:
        server = ReportServer(page, port)
        print(f"{server.address} shows campaign {found.settings.name}; Ctrl-C ends it", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
        return
    with Ledger(found.ledger_path, readonly=True) as ledger, Console(stderr=True, quiet=as_json).status("drawing"):
        write_atomically(found.report_path, page.html(ledger))
    if as_json:
        print_json({"campaign": found.settings.name, "report": str(found.report_path)})
    else:
        print(found.report_path)

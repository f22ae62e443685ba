"""The command `stoichloop report`."""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Annotated

import typer

from agent.cli.options import CampaignName, Json
from agent.cli.output import print_json, say


def report(
    campaign: CampaignName = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Serve all campaigns' reports on 127.0.0.1, kept up to date, until Ctrl-C."),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for --serve; 0 picks a free one.")] = 8765,
    as_json: Json = False,
) -> None:
    """Write the campaign's report, one self-contained HTML file."""
    from agent.base.console import Console
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace
    from agent.report.page import Report
    from agent.report.serve import ReportServer
    from agent.training.datasets import dataset_of

    workspace = current_workspace()

    def report_of(name: str | None) -> Report:
        opened = open_campaign(workspace, name)
        return Report(workspace, opened, dataset_of(opened.settings.regime, quiet=as_json)[0])

    page = report_of(campaign)
    opened = page.campaign
    if serve:
        names = [name for name in workspace.campaign_names if name != opened.settings.name]
        others = {name: partial(report_of, name) for name in names}
        server = ReportServer(page, port, others)
        say(f"{server.address} serves the report of campaign {opened.settings.name}; Ctrl-C ends it")
        if os.environ.get("SSH_CONNECTION"):
            port = server.server_address[1]
            say(f"to open it on another machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
        return
    progress = Console(stderr=True, quiet=as_json).working("drawing the report")
    with progress:
        page.write()
    if as_json:
        print_json({"campaign": opened.settings.name, "report": str(opened.report_path)})
    else:
        say(str(opened.report_path))

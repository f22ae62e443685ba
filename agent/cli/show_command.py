"""The command `stoichloop show`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.completion import complete_experiment
from agent.cli.options import CampaignOption, Json
from agent.cli.output import page, print_json
from memory.experiment_id import full_id


def show(
    experiment: Annotated[
        str | None,
        typer.Argument(
            metavar="[EXPERIMENT]",
            help="Id of an experiment, like e0017 or 17. Default: the incumbent.",
            autocompletion=complete_experiment,
            parser=full_id,
        ),
    ] = None,
    campaign: CampaignOption = None,
    whole_diff: Annotated[bool, typer.Option("--diff", help="Show the diff, not only the names of files.")] = False,
    as_json: Json = False,
) -> None:
    """Show one experiment: scores, verdict, trials, files, curves."""
    from agent.base.console import Console
    from agent.campaign.folder import find_experiment, open_campaign
    from agent.executor.workspace import current_workspace
    from agent.screen.experiment_view import experiment_view, facts
    from memory.leaderboard import incumbent
    from memory.ledger import Ledger

    workspace = current_workspace()
    opened = open_campaign(workspace, campaign)
    with Ledger(opened.ledger_path, readonly=True) as ledger:
        best = incumbent(ledger.experiments()) if experiment is None else None
        record = best or find_experiment(opened, ledger, experiment or "e0001")
        parent = ledger.experiment(record.parent) if record.parent else None
    if as_json:
        print_json(facts(workspace, record))
    else:
        page(Console(), experiment_view(workspace, opened, record, parent, whole_diff=whole_diff))

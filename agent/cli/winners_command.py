"""The command `stoichloop winners`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.completion import complete_experiment
from agent.cli.options import CampaignName, Json, NoSandbox
from agent.cli.output import interruptible, print_json
from memory.experiment_id import full_id


def winners(
    campaign: CampaignName = None,
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="EXPERIMENT",
            help="Treat this accepted experiment as the incumbent.",
            autocompletion=complete_experiment,
            parser=full_id,
        ),
    ] = None,
    do_ablate: Annotated[
        bool,
        typer.Option("--ablate", help="Measure the worth of each change behind the incumbent: retrain without it."),
    ] = False,
    seeds: Annotated[int, typer.Option(min=2, max=400, help="Number of fresh seeds for --ablate.")] = 2,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """List accepted experiments with their evidence. Without the campaign's folder, they are read from its branches."""
    from agent.base.console import Console
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace
    from agent.winners.branches import campaign_on_branches, read_branches
    from agent.winners.overview import Winners, accepted, picture, read_winners
    from agent.winners.retraining import ablate_changes
    from memory.ledger import Ledger
    from stoichloop.errors import StoichloopError

    def tell(overview: Winners) -> None:
        if as_json:
            print_json(overview.model_dump(mode="json"))
        else:
            Console().print(picture(overview))

    workspace = current_workspace(contained=not no_sandbox)
    if name := campaign_on_branches(workspace, campaign):
        if do_ablate:
            raise StoichloopError(
                f"--ablate needs the ledger of campaign '{name}', and only its branches are here; "
                f"give it in the clone that has {workspace.runs.name}/{name}"
            )
        tell(read_branches(workspace, name, experiment))
        return
    opened = open_campaign(workspace, campaign)
    if do_ablate:
        console = Console(stderr=True, quiet=as_json)
        with interruptible() as check:
            ablate_changes(workspace, opened, experiment, seeds, console=console, check=check)
    with Ledger(opened.ledger_path, readonly=True) as ledger:
        tell(read_winners(workspace, opened, ledger, accepted(ledger, experiment)))

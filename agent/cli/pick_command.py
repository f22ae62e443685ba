"""The command `stoichloop pick`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignOption, ExperimentName, Force, Json, NoSandbox
from agent.cli.output import print_json


def pick(
    experiment: ExperimentName,
    campaign: CampaignOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also pick the changes that 'winners --ablate' did not show to matter.")
    ] = False,
    force: Force = False,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Cherry-pick a winner's commits onto the current branch."""
    from agent.base.console import Console
    from agent.executor.workspace import current_workspace
    from agent.winners.local_campaign import chosen_chain, idle_changes
    from agent.winners.pick import describe
    from agent.winners.pick import pick as cherry_pick

    workspace = current_workspace(contained=not no_sandbox)
    chain = chosen_chain(workspace, experiment, campaign, force=force)
    picked = cherry_pick(workspace, chain, [] if everything else idle_changes(workspace, chain))
    if as_json:
        print_json(picked.model_dump(mode="json"))
    else:
        Console().print(describe(picked), soft_wrap=True, highlight=False, markup=False)

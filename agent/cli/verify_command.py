"""The command `stoichloop verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignOption, ExperimentName, Json, NoSandbox
from agent.cli.output import interruptible, print_json


def verify(
    experiment: ExperimentName,
    campaign: CampaignOption = None,
    siblings: Annotated[int, typer.Option(min=1, max=999, help="Number of sibling networks.")] = 3,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of the training.")] = 0,
    fidelity: Annotated[
        str | None, typer.Option(help="Training length: probe (1/8), half or full; default: the campaign's.")
    ] = None,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Retrain a winner on sibling networks it has never seen."""
    from agent.base.console import Console
    from agent.executor.workspace import current_workspace
    from agent.training.datasets import dataset_of
    from agent.winners.chain import find_chain
    from agent.winners.local_campaign import remembering
    from agent.winners.verify import describe, facts, fidelity_of
    from agent.winners.verify import verify as retrain

    workspace, console = current_workspace(contained=not no_sandbox), Console(stderr=True, quiet=as_json)
    workspace.refuse_uncontained("code of experiments")
    chain = find_chain(workspace.repo, experiment, campaign)
    fidelity_used = fidelity_of(chain, fidelity)
    with interruptible() as check, remembering(workspace, chain, console, check) as laboratory:
        networks = [(n, dataset_of(chain.tip.regime, n, quiet=as_json)[0]) for n in range(1, siblings + 1)]
        verification = retrain(laboratory, chain, networks, seed=seed, fidelity=fidelity_used)
    if as_json:
        print_json(facts(chain, verification))
    else:
        Console().print(describe(chain, verification), soft_wrap=True)

"""The command `stoichloop verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import CampaignOption, ExperimentName, Force, Json, NoSandbox
from agent.cli.output import interruptible, note, print_json


def verify(
    experiment: ExperimentName,
    campaign: CampaignOption = None,
    siblings: Annotated[int, typer.Option(min=1, max=999, help="Number of sibling networks.")] = 3,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of the training.")] = 0,
    fidelity: Annotated[
        str | None, typer.Option(help="Training length: probe (1/8), half or full; default: the campaign's.")
    ] = None,
    force: Force = False,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Retrain a winner on sibling networks it has never seen."""
    from agent.base.console import Console
    from agent.base.duration import format_duration
    from agent.executor.workspace import current_workspace
    from agent.winners.local_campaign import chosen_chain, usual_trial_s
    from agent.winners.retraining import verify_on_siblings
    from agent.winners.verify import describe, facts, fidelity_of

    workspace, console = current_workspace(contained=not no_sandbox), Console(stderr=True, quiet=as_json)
    chain = chosen_chain(workspace, experiment, campaign, force=force)
    fidelity_used = fidelity_of(chain, fidelity)
    if not as_json:
        each_s, count = usual_trial_s(workspace, chain, fidelity_used), 2 * siblings
        time = "" if each_s is None else f", about {format_duration(count * each_s)} if each takes as long as before"
        note(f"this trains at most {count} times at {fidelity_used}, with the change and without{time}")
    with interruptible() as check:
        verification = verify_on_siblings(
            workspace, chain, siblings, seed=seed, fidelity=fidelity_used, console=console, check=check
        )
    if as_json:
        print_json(facts(chain, verification))
    else:
        Console().print(describe(chain, verification), soft_wrap=True)

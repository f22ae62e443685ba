"""The commands of the morning after: what has won, putting it onto a branch, and whether it generalises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from agent.base.interruption import Interruption
from agent.cli.completion import complete_campaign, complete_experiment
from agent.cli.options import INTERRUPTED, CampaignName, ExperimentName, Json, NoSandbox, note, print_json
from agent.executor.workspace import current_workspace
from agent.training.datasets import dataset_of

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer()
OfCampaign = Annotated[
    str | None,
    typer.Option("--campaign", help="The campaign, where more than one has it.", autocompletion=complete_campaign),
]


@app.command()
def winners(
    campaign: CampaignName = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="An accepted one to take for the incumbent.", autocompletion=complete_experiment),
    ] = None,
    do_ablate: Annotated[
        bool, typer.Option("--ablate", help="Measure what each change of its stack is worth, by leaving it out.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=2, max=400, help="Fresh seeds for --ablate.")] = 2,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """The accepted experiments, with their evidence."""
    from agent.campaign.folder import open_campaign
    from agent.training.measurement import laboratory
    from agent.winners.leave_one_out import ablate
    from agent.winners.overview import accepted, picture, read_winners
    from memory.ledger import Ledger

    workspace = current_workspace(contained=not no_sandbox)
    found = open_campaign(workspace, campaign)
    if do_ablate:
        workspace.refuse_uncontained("code of experiments")
        dataset, _ = dataset_of(found.settings.regime, quiet=as_json)
        console = Console(stderr=True, quiet=as_json)
        with (
            _interruptible() as check,
            found.lead(),
            Ledger(found.ledger_path) as ledger,
            laboratory(workspace, ledger, console, check) as place,
        ):
            ablate(found, ledger, place, dataset, accepted(ledger, experiment), seeds)
    with Ledger(found.ledger_path, readonly=True) as ledger:
        known = read_winners(workspace, found, ledger, accepted(ledger, experiment))
    if as_json:
        print_json(known.model_dump(mode="json"))
    else:
        Console().print(picture(known))


@app.command()
def pick(
    experiment: ExperimentName,
    campaign: OfCampaign = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the commits that an ablation has not shown to matter.")
    ] = False,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Put a winner's commits onto the current branch."""
    from agent.winners.chain import find_chain
    from agent.winners.local_campaign import idle_changes
    from agent.winners.pick import describe
    from agent.winners.pick import pick as put

    workspace = current_workspace(contained=not no_sandbox)
    workspace.refuse_uncontained("code of experiments")
    chain = find_chain(workspace.repo, experiment, campaign)
    picked = put(workspace, chain, [] if everything else idle_changes(workspace, chain))
    if as_json:
        print_json(picked.model_dump(mode="json"))
    else:
        Console().print(describe(picked), soft_wrap=True, highlight=False, markup=False)


@app.command()
def verify(
    experiment: ExperimentName,
    campaign: OfCampaign = None,
    siblings: Annotated[int, typer.Option(min=1, max=999, help="How many sibling networks.")] = 3,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Training seed.")] = 0,
    fidelity: Annotated[str | None, typer.Option(help="probe, half or full; default: the campaign's.")] = None,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Retrain it on sibling networks that it has never seen."""
    from agent.winners.chain import find_chain
    from agent.winners.local_campaign import remembering
    from agent.winners.verify import describe, facts, fidelity_of
    from agent.winners.verify import verify as retrain

    workspace, console = current_workspace(contained=not no_sandbox), Console(stderr=True, quiet=as_json)
    workspace.refuse_uncontained("code of experiments")
    chain = find_chain(workspace.repo, experiment, campaign)
    climbed = fidelity_of(chain, fidelity)
    with _interruptible() as check, remembering(workspace, chain, console, check) as laboratory:
        networks = [(n, dataset_of(chain.tip.regime, n, quiet=as_json)[0]) for n in range(1, siblings + 1)]
        verification = retrain(laboratory, chain, networks, seed=seed, fidelity=climbed)
    if as_json:
        print_json(facts(chain, verification))
    else:
        Console().print(describe(chain, verification), soft_wrap=True)


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """While trials run: an interruption ends them, and the command with the status that a shell expects."""
    try:
        with Interruption() as interruption:
            yield interruption.check
    except KeyboardInterrupt:
        note("interrupted; what a ledger has been told is kept, and the same command goes on from there")
        sys.exit(INTERRUPTED)

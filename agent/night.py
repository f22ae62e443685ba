"""From asking for a campaign to its end: what `stoichloop explore` does."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from agent.bench import Bench
from agent.budget import Budget, grant, parse_duration
from agent.campaign import Campaign, start_campaign
from agent.errors import StoichloopError
from agent.executor.local import slots
from agent.loop import explore
from agent.picture import picture
from agent.planner import Options, create_planner
from agent.status import read_status
from agent.view import View
from agent.workspace import Workspace
from memory.copies import mend
from memory.ledger import Ledger
from memory.words import UNCHECKED
from simulator.dataset import FrozenData


def spend_the_night(
    workspace: Workspace,
    dataset: FrozenData,
    *,
    name: str,
    budget: str,
    experiments: int | None,
    planner: str,
    options: Options,
    fidelity: str,
    workers: int | None,
    check: Callable[[], None],
    quiet: bool = False,
) -> bool:
    """Start or resume a campaign and lead it to the end of its budget; returns whether it was interrupted.

    `check` is called while waiting; it raises `KeyboardInterrupt` when the person has asked for that.
    """
    wall_s = parse_duration("--budget", budget)
    proposer = create_planner(planner, options)
    campaign = start_campaign(workspace, name, dataset, planner=planner, fidelity=fidelity, seed=options.seed)
    console = Console(quiet=quiet)
    interrupted = False
    if not campaign.ledger_path.is_file():
        raise StoichloopError(f"{campaign.ledger_path}: the ledger is gone; {mend(campaign.ledger_path)}")
    with campaign.lead(), Ledger(campaign.ledger_path) as ledger:
        ledger.check()
        if "sweep" not in proposer.rungs or any(e.patch for e in ledger.experiments()):
            workspace.refuse_uncontained("code of experiments")
        account = Budget(ledger, grant(ledger, wall_s, experiments))
        resumed = bool(ledger.experiments())
        with View(console, campaign, ledger) as view:
            view.say(f"{'resuming' if resumed else 'starting'} campaign {name} in {campaign.folder}")
            if campaign.settings.objective == "blind":
                view.say(f"note: {UNCHECKED}; the loop optimises blind")
            if workspace.repo.is_dirty(path="gnn"):
                view.say("note: gnn/ has uncommitted changes; the campaign works from commits and does not see them")
            try:
                with Bench(workspace, campaign, dataset, ledger, account, view, slots(workers), check) as bench:
                    view.say(f"note: {bench.containment}")
                    view.say(explore(bench, proposer))
            except KeyboardInterrupt:
                interrupted = True
        _farewell(console, campaign, ledger, interrupted)
    return interrupted


def _farewell(console: Console, campaign: Campaign, ledger: Ledger, interrupted: bool) -> None:
    # This process leads the campaign until it ends, which is now.
    console.print(picture(read_status(campaign, ledger).model_copy(update={"running": False, "now": []})))
    for text in ("memory.md", "log.md", "report.html"):
        console.print(str(campaign.folder / text), soft_wrap=True, highlight=False)
    if interrupted:
        console.print("interrupted; everything is saved, and the same command goes on from here")

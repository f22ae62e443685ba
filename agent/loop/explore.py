"""From asking for a campaign to its end: what `stoichloop explore` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from agent.base.campaign_request import TOKENS_AN_HOUR, CampaignRequest
from agent.base.console import Console
from agent.campaign.budget import Budget, grant
from agent.campaign.folder import CampaignFolder, check_name, start_campaign
from agent.campaign.sibling_networks import sibling_count
from agent.campaign.status import read_status
from agent.executor.cluster.cluster_file import ClusterFile
from agent.executor.executor import ExecutorFactory
from agent.executor.local import LocalExecutor, slots
from agent.executor.trial import LOWEST, check_fidelity
from agent.executor.workspace import Workspace
from agent.export.track_targets import check_targets
from agent.loop.controller import Controller
from agent.loop.forecast import forecast
from agent.loop.loop import lead
from agent.planner.contract import Options, PayingPlanner, Planner
from agent.planner.move_catalogue import move_names
from agent.planner.registry import create_planner
from agent.screen.live import LiveView
from agent.screen.status_view import state_lines, status_view
from agent.training.recipe import uncommitted
from memory.backup import mend
from memory.formatting import UNCHECKED
from memory.ledger import Ledger
from simulator.dataset import FrozenData
from stoichloop.errors import StoichloopError, UsageError


def run_campaign(
    workspace: Workspace,
    dataset: FrozenData,
    request: CampaignRequest,
    *,
    check: Callable[[], None],
    cluster: ClusterFile | None = None,
    flags: Sequence[str] = (),
    quiet: bool = False,
) -> bool:
    """Start or resume a campaign and run it to the end of its budget; return whether it was interrupted.

    Trials run on slots of this machine, or on a `cluster`. `check` is called while waiting; it raises
    `KeyboardInterrupt` when the user has asked for that. `flags` are options of the command that resumes the campaign,
    beside those of the request.
    """
    proposer = create_planner(request.planner, planner_options(request))
    campaign = start_campaign(
        workspace, request.name, dataset, planner=request.planner, fidelity=request.fidelity, seed=request.seed
    )
    console = Console(quiet=quiet)
    interrupted = False
    if not campaign.ledger_path.is_file():
        raise StoichloopError(f"{campaign.ledger_path}: the ledger is gone; {mend(campaign.ledger_path)}")
    with campaign.lead(), Ledger(campaign.ledger_path) as ledger:
        ledger.check()
        try:
            with _place(workspace, campaign, cluster, request.workers, console, check) as (contained, create_executor):
                if "sweep" not in proposer.rungs or any(e.patch for e in ledger.experiments()):
                    contained.refuse_uncontained("code of experiments")
                account = Budget(ledger, grant(ledger, request.budget_s, request.experiments))
                proposer = create_planner(request.planner, planner_options(request, account.grant.wall_s))
                with LiveView(console, campaign, ledger) as view:
                    _greet(view, contained, campaign, ledger, proposer, dataset)
                    command = request.command(dataset.regime.name, flags)
                    with Controller(
                        contained,
                        campaign,
                        dataset,
                        ledger,
                        account,
                        view,
                        proposer,
                        create_executor,
                        check,
                        command,
                        request.until,
                        request.notify,
                        request.track,
                    ) as controller:
                        view.say(f"note: {controller.containment}")
                        view.say(forecast(contained, campaign, ledger, account, controller.snapshot().slots))
                        lead(controller)
        except KeyboardInterrupt:
            interrupted = True
        _farewell(console, campaign, ledger)
    return interrupted


def check_request(request: CampaignRequest) -> None:
    """Check a request before data are frozen; raise `StoichloopError` for a name, planner, move or tracker unknown."""
    check_name(request.name)
    check_fidelity(request.fidelity)
    create_planner(request.planner, planner_options(request))
    check_targets(request.track)


def planner_options(request: CampaignRequest, granted_s: float | None = None) -> Options:
    """Return the planner's part of a request. Planners learn from the lowest fidelity: every experiment has it.

    Without a limit of tokens, the limit follows the wall-clock time granted to the campaign in all, that of the request
    if it is not given. Raises `StoichloopError` for a move that does not exist.
    """
    if unknown := next((name for name in request.without if name not in move_names()), None):
        raise UsageError(f"--without '{unknown}' must be one of {', '.join(move_names())}")
    hours = (request.budget_s if granted_s is None else granted_s) / 3600
    return Options(
        seed=request.seed,
        fidelity=LOWEST,
        models=request.model,
        program=request.program,
        tokens=round(TOKENS_AN_HOUR * hours) if request.tokens is None else request.tokens,
        dollars=request.dollars,
        context=request.context,
        patience_s=request.patience_s,
        without=request.without,
    )


@contextmanager
def _place(
    workspace: Workspace,
    campaign: CampaignFolder,
    cluster: ClusterFile | None,
    workers: int | None,
    console: Console,
    check: Callable[[], None],
) -> Iterator[tuple[Workspace, ExecutorFactory]]:
    """Yield the workspace, as contained as it is where trials run, and the executor that runs them."""
    if cluster is None:
        yield workspace, partial(LocalExecutor, slots(workers))
        return
    from agent.executor.cluster.cluster_executor import hire

    def note(sentence: str) -> None:
        console.print(sentence, soft_wrap=True, highlight=False, markup=False)

    with hire(cluster, workspace, campaign.folder / "cluster", note, check) as place:
        yield place


def _greet(
    view: LiveView,
    workspace: Workspace,
    campaign: CampaignFolder,
    ledger: Ledger,
    planner: Planner,
    dataset: FrozenData,
) -> None:
    resumed = bool(ledger.experiments())
    view.say(f"{'resuming' if resumed else 'starting'} campaign {campaign.settings.name} in {campaign.folder}")
    if campaign.settings.objective != "exact":
        view.say(f"note: {UNCHECKED}; the loop optimises {campaign.settings.objective}")
    if sibling_count(dataset.regime) == 0:
        name = dataset.regime.name
        view.say(f"note: {name} has no sibling networks, so changes of code are confirmed on its own network alone")
    if uncommitted(workspace):
        view.say("note: gnn/ has uncommitted changes; the campaign works from commits and does not see them")
    if isinstance(planner, PayingPlanner) and planner.expense:
        view.say(f"note: {planner.expense}")


def _farewell(console: Console, campaign: CampaignFolder, ledger: Ledger) -> None:
    status = read_status(campaign, ledger)
    console.print(status_view(status))
    for text in ("memory.md", "log.md", "report.html"):
        console.print(str(campaign.folder / text), soft_wrap=True, highlight=False)
    for line in state_lines(status):
        console.print(line, soft_wrap=True)

"""The command `stoichloop explore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.base.campaign_request import RANGES, CampaignRequest
from agent.base.interruption import Interruption
from agent.cli.completion import complete_campaign, complete_move
from agent.cli.options import NoSandbox, RegimeName
from agent.cli.output import INTERRUPTED


def explore(
    regime: RegimeName,
    *,
    campaign: Annotated[
        str | None,
        typer.Option(help="Name of the campaign; default: the regime's name.", autocompletion=complete_campaign),
    ] = None,
    budget: Annotated[str, typer.Option(help="Wall-clock time to spend, like 8h or 90m.")] = CampaignRequest.budget,
    experiments: Annotated[
        int | None,
        typer.Option(
            min=RANGES["experiments"][0],
            max=RANGES["experiments"][1],
            help="Stop after this many experiments; default: no limit.",
        ),
    ] = CampaignRequest.experiments,
    until: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="Stop once the incumbent's mean reaches this score, like 0.999; default: no such limit.",
        ),
    ] = CampaignRequest.until,
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Command to run when the campaign accepts something, is stuck or ends; it gets a line of JSON on "
            "standard input.",
        ),
    ] = CampaignRequest.notify,
    track: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET",
            help="Tracker to report to while the campaign runs: mlflow:URI or wandb:PROJECT; may be repeated.",
        ),
    ] = None,
    planner: Annotated[
        str,
        typer.Option(
            help="Planner that proposes experiments: sweep (configurations), moves (the catalogue of code changes), "
            "combine (earlier changes together), llm (a language model), command (an agent program), or auto (all of "
            "these that can run)."
        ),
    ] = CampaignRequest.planner,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MOVE",
            help="Leave this move out of the catalogue; give the option once for each move.",
            autocompletion=complete_move,
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="Language model for auto and llm: PROVIDER:NAME, or NAME@http://HOST:PORT/v1. Give the option again "
            "to add models, which also replace one that fails.",
        ),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(help="Agent program for auto and command; it reads a question and prints proposals."),
    ] = CampaignRequest.program,
    tokens: Annotated[
        int | None,
        typer.Option(
            min=RANGES["tokens"][0],
            help="Limit on the tokens of all requests to models; default: 3,600,000 for each hour of the budget.",
        ),
    ] = CampaignRequest.tokens,
    dollars: Annotated[
        float,
        typer.Option(min=RANGES["dollars"][0], help="Limit on the price of all requests to the model, in US dollars."),
    ] = CampaignRequest.dollars,
    context: Annotated[
        int,
        typer.Option(
            min=RANGES["context"][0], help="Context window of the model in tokens, input and output together."
        ),
    ] = CampaignRequest.context,
    patience: Annotated[
        str | None,
        typer.Option(help="Longest wait for one answer; default: 5m for a model, 15m for an agent program."),
    ] = CampaignRequest.patience,
    workers: Annotated[
        int | None,
        typer.Option(min=RANGES["workers"][0], help="Trials at a time; default: two per GPU, and one per core left."),
    ] = CampaignRequest.workers,
    executor: Annotated[
        str, typer.Option(help="Where trials run: local (this machine) or parsl (a cluster).")
    ] = "local",
    cluster: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For parsl: YAML file with the scheduler and the resources.")
    ] = None,
    fidelity: Annotated[
        str,
        typer.Option(
            help="Training length at which candidates are finally compared: probe (1/8), half or full. Reported "
            "scores are at this length."
        ),
    ] = CampaignRequest.fidelity,
    seed: Annotated[
        int, typer.Option(min=RANGES["seed"][0], max=RANGES["seed"][1], help="Random seed of the planner.")
    ] = CampaignRequest.seed,
    no_sandbox: NoSandbox = False,
) -> None:
    """Run a campaign, or resume it. Ctrl-C ends it cleanly, and the same command resumes it."""
    from agent.executor.cluster.cluster_file import choose
    from agent.executor.workspace import current_workspace
    from agent.loop.explore import check_request, run_campaign
    from agent.training.datasets import dataset_of

    request = CampaignRequest(
        name=regime if campaign is None else campaign,
        budget=budget,
        experiments=experiments,
        planner=planner,
        fidelity=fidelity,
        seed=seed,
        workers=workers,
        model=tuple(model or ()),
        program=program,
        tokens=tokens,
        dollars=dollars,
        context=context,
        patience=patience,
        without=tuple(without or ()),
        until=until,
        notify=notify,
        track=tuple(track or ()),
    )
    cluster_file = choose(executor, cluster, workers)
    check_request(request)
    dataset, _ = dataset_of(regime)
    workspace = current_workspace(contained=not no_sandbox)
    flags = ["--executor", executor, "--cluster", str(cluster)] if cluster_file else []
    flags += ["--no-sandbox"] if no_sandbox else []
    with Interruption() as interruption:
        interrupted = run_campaign(
            workspace, dataset, request, check=interruption.check, cluster=cluster_file, flags=flags
        )
    if interrupted:
        sys.exit(INTERRUPTED)

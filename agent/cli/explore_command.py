"""The command `stoichloop explore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from agent.base.interruption import Interruption
from agent.cli.completion import complete_campaign
from agent.cli.options import NoSandbox, RegimeName
from agent.cli.output import INTERRUPTED


def explore(
    regime: RegimeName,
    *,
    campaign: Annotated[
        str | None, typer.Option(help="The campaign's name; default: the regime's.", autocompletion=complete_campaign)
    ] = None,
    budget: Annotated[str, typer.Option(help="Wall-clock time to spend, like 8h or 90m.")] = "8h",
    experiments: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Experiments to judge at the most.")
    ] = None,
    planner: Annotated[
        str, typer.Option(help="Who proposes: auto (all that can), sweep, moves, llm or command.")
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(help="A language model for auto and llm: PROVIDER:NAME, or NAME@http://HOST:PORT/v1."),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(help="An agent program for auto and command: it reads a prompt and prints a proposal."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=0, help="Tokens that all calls of the model may take.")] = 2_000_000,
    dollars: Annotated[float, typer.Option(min=0, help="Dollars that all calls of the model may cost.")] = 20.0,
    context: Annotated[
        int, typer.Option(min=4_000, help="Tokens that the model can take in and give out at once.")
    ] = 100_000,
    patience: Annotated[
        str | None,
        typer.Option(help="The longest wait for one answer; default: 5m for a model, 15m for an agent program."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Slots; default: one a GPU, or one a core.")] = None,
    executor: Annotated[str, typer.Option(help="Where trials run: local, or on a cluster by parsl.")] = "local",
    cluster: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For parsl: which scheduler, and what to ask of it.")
    ] = None,
    fidelity: Annotated[
        str,
        typer.Option(help="How far candidates climb: probe, half or full; all the scores of a person's are at that."),
    ] = "full",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the planner.")] = 0,
    no_sandbox: NoSandbox = False,
) -> None:
    """Run the loop of experiments. Ctrl-C ends it cleanly, and the same command resumes it."""
    from agent.base.duration import parse_duration
    from agent.executor.cluster.cluster_file import choose
    from agent.executor.trial import LOWEST
    from agent.executor.workspace import current_workspace
    from agent.loop.explore import run_campaign
    from agent.planner.contract import Options
    from agent.training.datasets import dataset_of

    patience_s = None if patience is None else parse_duration("--patience", patience)
    place = choose(executor, cluster, workers)
    dataset, _ = dataset_of(regime)
    with Interruption() as interruption:
        interrupted = run_campaign(
            current_workspace(contained=not no_sandbox),
            dataset,
            name=regime if campaign is None else campaign,
            budget=budget,
            experiments=experiments,
            planner=planner,
            # Planners learn from what every experiment has: its score at the lowest fidelity.
            options=Options(seed, LOWEST, model, program, tokens, dollars, context, patience_s),
            fidelity=fidelity,
            workers=workers,
            check=interruption.check,
            cluster=place,
        )
    if interrupted:
        sys.exit(INTERRUPTED)

"""The command `stoichloop train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.base.interruption import Interruption
from agent.cli.options import Json, NoSandbox, RegimeName, Sibling
from agent.cli.output import note, print_json


def train(
    regime: RegimeName,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML or JSON file with configuration fields to change.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one field, over --config; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of the training.")] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Number of optimiser steps; default: the regime's full length.")
    ] = None,
    sibling: Sibling = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="best|FILE",
            help="Train the committed gnn/ with a recipe applied: 'best' for what fits the regime, or a recipe file.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Save estimate, training curves and output in this new folder."),
    ] = None,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """Train the gnn/ of the working tree once and score it."""
    from rich.table import Table
    from rich.text import Text

    from agent.base.console import Console
    from agent.executor.workspace import current_workspace
    from agent.training.conserved_csv import described_totals
    from agent.training.determined import determined
    from agent.training.lacking_csv import described
    from agent.training.overrides import parse_changes, read_changes
    from agent.training.run import train_regime
    from memory.formatting import UNCHECKED, decimal

    workspace = current_workspace(contained=not no_sandbox)
    asked = {**(read_changes(config) if config else {}), **parse_changes(changes or [])}
    with Interruption() as interruption:
        run = train_regime(
            workspace,
            regime,
            asked,
            sibling=sibling,
            seed=seed,
            steps=steps,
            recipe=recipe,
            out=out,
            quiet=as_json,
            check=interruption.check,
            note=note,
        )
    if as_json:
        print_json(run.facts())
        return
    if run.dataset.manifest.truth is None:
        note(UNCHECKED)
    console, scores, edges = Console(), run.scores, len(run.dataset.graph.rxn_all)
    if "exact" in scores:
        right = f"{round(scores['exact'] * edges)} of {edges} coefficients"
        first = f"exact {decimal(scores['exact'])} ({right}; trivial {decimal(scores['baseline_exact'])})"
    else:
        first = f"support {decimal(scores['support'])} (trivial {decimal(scores['baseline_support'])})"
    if run.estimate.confidence is not None:
        known = determined(run.dataset.graph, run.estimate.confidence, run.dataset.stated_columns)
        forced = (known & ~run.estimate.confidence.contested).sum()
        first += f"; {known.sum()} of {edges} coefficients determined, {forced} of them for lack of an alternative"
    console.print(Text(first, style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in run.scores.items():
        table.add_row(name, decimal(value))
    console.print(table)
    for line in [*described_totals(run.totals()), *described(run.missing())]:
        console.print(Text(line))

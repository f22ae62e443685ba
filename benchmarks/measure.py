"""Shared by the benchmarks: run the trials that a results file lacks, and fail in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agent.base.git_environment import forget_git_environment
from agent.base.interruption import Interruption
from agent.cli.output import failure_sentence
from agent.executor.workspace import Workspace
from benchmarks.trials import BenchmarkRun, Failed, Finished, keep, read_results, run_trials
from simulator.dataset import Dataset, prepare
from simulator.regime import find_regime
from stoichloop.errors import StoichloopError


def measure(
    trials: Sequence[BenchmarkRun], workspace: Workspace, results: Path, jobs: int
) -> dict[BenchmarkRun, Finished | Failed]:
    """Run the trials that `results` lacks, keep each as it finishes, and return them all in their order."""
    kept = read_results(results)
    missing = [trial for trial in dict.fromkeys(trials) if trial not in kept]
    done: dict[BenchmarkRun, Finished | Failed] = {**kept}
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    live = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with Interruption() as interruption, live as progress:
        bar = progress.add_task("preparing data", total=len(missing))
        for trial in missing:
            dataset_of(workspace, trial.regime, trial.sibling)  # so that its seconds are not the first trial's
            interruption.check()
        progress.update(bar, description="trials")
        with closing(run_trials(missing, workspace.root, jobs, interruption.check)) as outcomes:
            for outcome in outcomes:
                done[outcome.trial] = outcome
                if isinstance(outcome, Finished):
                    keep(outcome, results)
                console.print(f"{outcome.trial}: {outcome}", soft_wrap=True, highlight=False, markup=False)
                progress.advance(bar)
    return {trial: done[trial] for trial in trials}


def dataset_of(workspace: Workspace, name: str, sibling: int | None = None) -> Dataset:
    """Return the frozen data of a regime or of its sibling; generate them if absent."""
    regime = find_regime(name, workspace.data)
    return prepare(regime if sibling is None else regime.sibling(sibling), workspace.data)[0]


def refuse_failures(outcomes: Sequence[Finished | Failed]) -> None:
    """Raise `StoichloopError` if a trial failed, once what did succeed has been printed."""
    if failed := [outcome for outcome in outcomes if isinstance(outcome, Failed)]:
        raise StoichloopError(
            f"{len(failed)} of {len(outcomes)} trials failed, the first: {failed[0].trial}: {failed[0].reason}"
        )


def run_commands(*commands: Callable[..., Any]) -> None:
    """Run a command line of `commands`; a known error ends it with one sentence and exit status 1."""
    forget_git_environment()
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
        help="Measure the figures that the documentation states.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for command in commands:
        app.command()(command)
    try:
        app()
    except Exception as error:
        sentence = failure_sentence(error)
        if sentence is None:
            raise
        sys.exit(f"benchmarks: {sentence}")

"""The `stoichloop` command. Every failure ends with one clear sentence and a non-zero exit status."""

from __future__ import annotations

import gc
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.base.interruption import Interruption
from agent.base.loop_git import forget_git_environment
from agent.cli import export, report, winners
from agent.cli.completion import complete_campaign, complete_regime
from agent.cli.options import (
    INTERRUPTED,
    CampaignName,
    ExperimentName,
    Json,
    NoSandbox,
    RegimeName,
    Sibling,
    note,
    print_json,
)
from agent.executor.workspace import current_workspace
from agent.training.datasets import dataset_of, find_data
from memory.formatting import UNCHECKED
from memory.ledger import Ledger
from stoichloop.errors import DatasetError, LedgerError, RegimeError, StoichloopError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Recover the stoichiometric matrix of a metabolic network, over night, by itself.",
    epilog="Exit status: 0 done; 1 failed, as one sentence on standard error says; 2 wrong usage; 130 interrupted.",
)
app.add_typer(winners.app)
app.add_typer(export.app)
app.add_typer(report.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"stoichloop {version('stoichloop')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and exit.")
    ] = False,
) -> None:
    """Options of the program itself; they act before any command."""


def main() -> None:
    """Entry point: known errors become one sentence on standard error and exit status 1."""
    gc.freeze()  # what has been imported stays: looking through it again and again is a tenth of `status`
    forget_git_environment()
    try:
        app()
    except (StoichloopError, DatasetError, RegimeError, LedgerError) as error:
        _fail(str(error))
    except sqlite3.OperationalError as error:
        _fail(
            f"the ledger cannot be used now: {error}; nothing in it is lost: mend that, and give the same command again"
        )
    except sqlite3.Error as error:
        _fail(f"the ledger is damaged: {error}; 'stoichloop restore' goes back to its last good copy")
    except OSError as error:
        _fail(f"{type(error).__name__}: {error}")
    except Exception as error:
        from git import GitCommandError

        if not isinstance(error, GitCommandError):
            raise
        _fail(f"git failed: {' '.join((error.stderr or str(error)).replace('stderr:', '').split())}")


def _fail(sentence: str) -> None:
    note(sentence, "bold red")
    sys.exit(1)


def _own_regimes() -> list[Path]:
    """Where the user's regimes are: beside the data that were made from them."""
    try:
        return [current_workspace().data]
    except StoichloopError:
        return []  # outside a clone there are none


@app.command()
def regimes(as_json: Json = False) -> None:
    """The regimes, one line each."""
    from simulator.measured.measured_regime import all_known

    known = all_known(*_own_regimes())
    if as_json:
        print_json(
            [{"name": regime.name, "title": regime.title, "description": regime.description} for regime in known]
        )
        return
    for regime in known:
        print(f"{regime.name:<18} {regime.title}")


@app.command()
def data(
    regime: Annotated[
        str | None,
        typer.Argument(
            metavar="[REGIME]", help="A regime; 'stoichloop regimes' lists them.", autocompletion=complete_regime
        ),
    ] = None,
    sbml: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="In place of REGIME: make a regime of an SBML file, known by its name."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="In place of REGIME: your own measurements, known by the file's name."),
    ] = None,
    network: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --csv: the network, as YAML or SBML.")
    ] = None,
    sibling: Sibling = None,
    as_json: Json = False,
) -> None:
    """Freeze the data if absent, verify them if present, say what is known of them and how identifiable they are."""
    dataset, generated = find_data(regime, sbml, csv, network, sibling, quiet=as_json)
    if as_json:
        print_json(
            {
                "regime": dataset.regime.name,
                "folder": str(dataset.folder),
                "description": dataset.regime.description,
                "generated": generated,
                "objective": "exact" if dataset.manifest.truth else "blind",
                "fingerprint": dataset.manifest.fingerprint(),
                **dataset.facts.model_dump(mode="json"),
            }
        )
        return
    from agent.screen.datasheet import datasheet

    console, made = Console(), "generated" if dataset.manifest.truth else "frozen"
    console.print(f"{made if generated else 'verified'} {dataset.folder}", soft_wrap=True, highlight=False)
    console.print(datasheet(dataset))


@app.command()
def train(
    regime: RegimeName,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON file with fields to change.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one field; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Training seed.")] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps; default: the regime's full budget.")
    ] = None,
    sibling: Sibling = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="best|FILE", help="Train the committed gnn/ with a recipe applied: the regime's, or a file."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Keep estimate.npz, curves and output in this new folder.")] = None,
    no_sandbox: NoSandbox = False,
    as_json: Json = False,
) -> None:
    """One scored training run of the gnn/ in the working tree."""
    from agent.training.overrides import parse_changes, read_changes
    from agent.training.run import train_regime

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
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in run.scores.items():
        table.add_row(name, f"{value:.4f}")
    Console().print(table)


@app.command()
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
    """The loop. The same command resumes; Ctrl-C ends it cleanly."""
    from agent.base.duration import parse_duration
    from agent.executor.cluster.cluster_file import choose
    from agent.executor.trial import LOWEST
    from agent.loop.explore import run_campaign
    from agent.planner.contract import Options

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


@app.command()
def status(
    campaign: CampaignName = None,
    watching: Annotated[bool, typer.Option("--watch", help="Go on showing it, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """What runs now, the incumbent, spend against budget."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.status import read_status
    from agent.screen.status_view import status_view

    found, console = open_campaign(current_workspace(), campaign), Console()
    with Ledger(found.ledger_path, readonly=True) as ledger:
        if watching:
            from agent.screen.live import watch

            watch(console, found, ledger)
            return
        now = read_status(found, ledger)
    if as_json:
        print_json(now.model_dump(mode="json"))
    else:
        console.print(status_view(now, console.height - 1) if console.is_terminal else status_view(now))


@app.command()
def log(
    campaign: CampaignName = None,
    search: Annotated[str | None, typer.Option(help="Only entries that contain this text, whatever its case.")] = None,
    as_json: Json = False,
) -> None:
    """The memory log."""
    from agent.campaign.folder import open_campaign
    from memory.render import Log, entries
    from memory.render import search as find

    with Ledger(open_campaign(current_workspace(), campaign).ledger_path, readonly=True) as ledger:
        if as_json:
            print_json(entries(ledger) if search is None else find(ledger, search))
            return
        found = [Log(ledger).text()] if search is None else find(ledger, search)
    text = "\n\n".join(found) or f"nothing contains '{search}'"
    if (console := Console()).is_terminal:
        from agent.screen.log_view import log_view

        for part in log_view(text, search or ""):
            console.print(part)
    else:
        print(text)


@app.command()
def show(
    experiment: ExperimentName,
    campaign: Annotated[
        str | None, typer.Option(help="The campaign; default: the latest.", autocompletion=complete_campaign)
    ] = None,
    as_json: Json = False,
) -> None:
    """One experiment whole: hypothesis, diff, trials, verdict, plots."""
    from agent.campaign.folder import find_experiment, open_campaign
    from agent.screen.experiment_view import experiment_view, facts

    workspace = current_workspace()
    found = open_campaign(workspace, campaign)
    with Ledger(found.ledger_path, readonly=True) as ledger:
        record = find_experiment(found, ledger, experiment)
    if as_json:
        print_json(facts(workspace, record))
    else:
        Console().print(experiment_view(workspace, found, record))


@app.command()
def restore(campaign: CampaignName = None, as_json: Json = False) -> None:
    """Put the last good copy in the place of a campaign's damaged ledger; what is damaged is kept beside it."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.restore import restore as put_back
    from memory.formatting import moment

    found = open_campaign(current_workspace(), campaign)
    done = put_back(found)
    if as_json:
        print_json({**asdict(done), "kept": [str(path) for path in done.kept]})
        return
    print(
        f"{found.ledger_path}: back to {done.experiments} experiments and {done.trials} trials of "
        f"{moment(done.copied_at)}; what was there is kept as {', '.join(path.name for path in done.kept)}"
    )


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine can do: GPU, git, planners, and whether the workspace is ready."""
    from agent.cli.doctor import examine

    checks = examine(Path.cwd())
    if as_json:
        print_json([check.model_dump() for check in checks])
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            table.add_row(
                Text("ok" if check.ok else "no", style="green" if check.ok else "red"),
                Text(check.name, style="bold"),
                check.finding,
            )
        Console().print(table)
    if not all(check.ok or not check.required for check in checks):
        raise StoichloopError("something that is required is missing; see the lines marked 'no'")


if __name__ == "__main__":
    main()

"""The command `stoichloop export`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.completion import complete_experiment
from agent.cli.options import CampaignName, Json
from agent.cli.output import print_json, say
from stoichloop.errors import UsageError


def export(
    campaign: CampaignName = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write experiments, trials and findings as CSV tables in a new folder."),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Add missing trials as runs to MLflow, at http://HOST:PORT or sqlite:///FILE.",
        ),
    ] = None,
    wandb: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Add missing experiments with a verdict as runs to Weights & Biases."),
    ] = None,
    sbml: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the recovered network as a new SBML file, for COBRApy and others."),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="EXPERIMENT",
            help="Experiment whose network --sbml writes; default: the incumbent.",
            autocompletion=complete_experiment,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For --sbml, instead of a campaign: a folder of 'stoichloop train --out'."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Export CSV tables, tracked runs, or the network as SBML."""
    if csv is None and mlflow is None and wandb is None and sbml is None:
        raise UsageError("export needs at least one of --csv FOLDER, --mlflow URI, --wandb PROJECT or --sbml FILE")
    if run is not None and (sbml is None or csv or mlflow or wandb or campaign or experiment):
        raise UsageError("--run FOLDER goes with --sbml FILE alone: it is a single network, not a campaign")
    if experiment is not None and sbml is None:
        raise UsageError("--experiment selects the network for --sbml FILE; give that option too")
    written = _write_tables(campaign, csv, mlflow, wandb)
    if sbml is not None:
        written["sbml"] = _write_network(campaign, sbml, experiment, run)
    if as_json:
        print_json(written)
        return
    for facts in written.values():
        target, *values = facts.values()
        say(f"{target}: {', '.join(f'{name} {value}' for name, value in zip(list(facts)[1:], values, strict=True))}")


def _write_tables(
    campaign: str | None, csv: Path | None, mlflow: str | None, wandb: str | None
) -> dict[str, dict[str, Any]]:
    """Write the requested records of a campaign and return the facts for each target."""
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace

    written: dict[str, dict[str, Any]] = {}
    if csv is None and mlflow is None and wandb is None:
        return written
    opened = open_campaign(current_workspace(), campaign)
    if csv is not None:
        from agent.export.tables import write_tables

        written["csv"] = {"folder": str(csv), **write_tables(opened, csv)}
    if mlflow is not None:
        from agent.export.mlflow_runs import track

        written["mlflow"] = {"uri": mlflow, **asdict(track(opened, mlflow))}
    if wandb is not None:
        from agent.export.wandb_runs import track_wandb

        written["wandb"] = {"project": wandb, **asdict(track_wandb(opened, wandb))}
    return written


def _write_network(campaign: str | None, sbml: Path, experiment: str | None, run: Path | None) -> dict[str, Any]:
    """Write a recovered network as SBML and return the facts about it."""
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import current_workspace
    from agent.export.sbml_file import write_sbml
    from agent.training.recovered_network import network_of_campaign, network_of_run

    workspace = current_workspace()
    if run is not None:
        network = network_of_run(workspace, run)
    else:
        network = network_of_campaign(workspace, open_campaign(workspace, campaign), experiment)
    write_sbml(network, sbml)
    counts = {"metabolites": len(network.metabolites), "reactions": len(network.reactions)}
    return {"file": str(sbml), "origin": network.origin, **counts}

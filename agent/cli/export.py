"""`stoichloop export`: what a campaign found, for MLflow, for tables, for COBRApy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.completion import complete_experiment
from agent.cli.options import CampaignName, Json, print_json
from agent.executor.workspace import current_workspace
from stoichloop.errors import StoichloopError

app = typer.Typer()


@app.command()
def export(
    campaign: CampaignName = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Experiments, trials and findings as tables, in a new folder.")
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Trials as runs, at http://HOST:PORT or in sqlite:///FILE; adds what is new."),
    ] = None,
    sbml: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The recovered network, in a new file that COBRApy can read.")
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Whose network --sbml writes; default: the incumbent's.", autocompletion=complete_experiment),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="In place of a campaign: --sbml of what 'stoichloop train --out' kept."),
    ] = None,
    as_json: Json = False,
) -> None:
    """CSV tables, MLflow runs, or the recovered network as SBML."""
    if csv is None and mlflow is None and sbml is None:
        raise StoichloopError("export takes --csv FOLDER, --mlflow URI or --sbml FILE, one of them at least")
    if run is not None and (sbml is None or csv or mlflow or campaign or experiment):
        raise StoichloopError("--run FOLDER goes with --sbml FILE alone: it is one network, and no campaign")
    if experiment is not None and sbml is None:
        raise StoichloopError("--experiment says whose network --sbml FILE writes; give that too")
    done: dict[str, dict[str, Any]] = {}
    if run is None:
        from agent.campaign.folder import open_campaign

        found = open_campaign(current_workspace(), campaign)
        if csv is not None:
            from agent.export.tables import write_tables

            done["csv"] = {"folder": str(csv), **write_tables(found, csv)}
        if mlflow is not None:
            from agent.export.mlflow_runs import track

            done["mlflow"] = {"uri": mlflow, **asdict(track(found, mlflow))}
    if sbml is not None:
        from agent.export.sbml_file import write_sbml
        from agent.training.recovered_network import network_of_campaign, network_of_run

        network = (
            network_of_run(current_workspace(), run)
            if run is not None
            else network_of_campaign(current_workspace(), found, experiment)
        )
        write_sbml(network, sbml)
        counts = {"metabolites": len(network.metabolites), "reactions": len(network.reactions)}
        done["sbml"] = {"file": str(sbml), "origin": network.origin, **counts}
    if as_json:
        print_json(done)
        return
    for facts in done.values():
        where, *rest = facts.values()
        print(f"{where}: {', '.join(f'{name} {value}' for name, value in zip(list(facts)[1:], rest, strict=True))}")

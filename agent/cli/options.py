"""Types of the options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.completion import complete_campaign, complete_experiment, complete_regime
from memory.experiment_id import full_id

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sibling = Annotated[
    int | None,
    typer.Option(min=1, max=999, metavar="N", help="Use the N-th sibling: same settings, another random network."),
]
RegimeName = Annotated[
    str,
    typer.Argument(
        metavar="REGIME", help="Name of a regime; 'stoichloop regimes' lists them.", autocompletion=complete_regime
    ),
]
CampaignName = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN]", help="Name of a campaign; default: the latest.", autocompletion=complete_campaign
    ),
]
CampaignOption = Annotated[
    str | None, typer.Option("--campaign", help="Campaign of the experiment.", autocompletion=complete_campaign)
]
ExperimentName = Annotated[
    str,
    typer.Argument(
        metavar="EXPERIMENT",
        help="Id of an experiment, like e0017 or 17.",
        autocompletion=complete_experiment,
        parser=full_id,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Take the experiment even if it was not accepted.")]
NoSandbox = Annotated[
    bool, typer.Option("--no-sandbox", help="Run the code in gnn/ with all your permissions, without a sandbox.")
]

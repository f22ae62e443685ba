"""What the commands share: their options, and how they speak to a person and to a script."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.cli.completion import complete_campaign, complete_experiment, complete_regime

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Sibling = Annotated[
    int | None, typer.Option(min=1, max=999, help="The N-th sibling: another network of the same kind.")
]
RegimeName = Annotated[
    str,
    typer.Argument(metavar="REGIME", help="A regime; 'stoichloop regimes' lists them.", autocompletion=complete_regime),
]
CampaignName = Annotated[
    str | None,
    typer.Argument(metavar="[CAMPAIGN]", help="A campaign; default: the latest.", autocompletion=complete_campaign),
]
ExperimentName = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="Like e0017.", autocompletion=complete_experiment)
]
NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Run gnn/ as a program of yours, without containment.")]

INTERRUPTED = 130  # exit status, as a shell has it for Ctrl-C


def note(sentence: str, style: str = "bold") -> None:
    """One sentence to the person, on standard error."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"[{style}]stoichloop:[/] {escape(sentence)}", highlight=False)


def print_json(content: Any) -> None:
    """Facts, for a script."""
    print(json.dumps(content, indent=1))

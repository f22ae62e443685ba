"""What the commands share: their options, and how they speak to a person and to a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.completion import complete_campaign, complete_experiment, complete_regime

if TYPE_CHECKING:
    from agent.workspace import Workspace
    from simulator.dataset import Dataset

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


def here(*, contained: bool = True) -> Workspace:
    """The workspace that the command was called in; `contained` is false where the person wants no sandbox."""
    from agent.workspace import find_workspace

    return find_workspace(Path.cwd(), contained=contained)


def dataset_of(name: str, sibling: int | None = None, *, quiet: bool = False) -> tuple[Dataset, bool]:
    """The dataset of a regime or its sibling, and whether it was generated just now."""
    from simulator.dataset import prepare
    from simulator.regime import find_regime

    root = here().data
    regime = find_regime(name, root)
    if sibling is not None:
        regime = regime.sibling(sibling)
    with Console(stderr=True, quiet=quiet).status(f"preparing the data of {regime.name}"):
        return prepare(regime, root)

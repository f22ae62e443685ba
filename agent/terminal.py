"""What the commands share: their options, and how they speak to a person and to a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from agent.completion import complete_campaign, complete_experiment, complete_regime
from agent.errors import StoichloopError

if TYPE_CHECKING:
    from agent.workspace import Workspace
    from simulator.dataset import Dataset
    from simulator.measurements import Measurements

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


def find_data(
    regime: str | None, sbml: Path | None, csv: Path | None, network: Path | None, sibling: int | None, *, quiet: bool
) -> tuple[Dataset | Measurements, bool]:
    """The data that `stoichloop data` is asked for in one of its ways, and whether they were frozen just now."""
    from simulator.measurements import import_measurements
    from simulator.sbml import import_regime

    ways = (regime is not None, sbml is not None, csv is not None or network is not None)
    if sum(ways) != 1 or (csv is None) != (network is None):
        raise StoichloopError(
            "data takes a REGIME, or --sbml FILE, or --csv FILE with --network FILE; 'stoichloop regimes' lists regimes"
        )
    if csv is not None and network is not None:
        with Console(stderr=True, quiet=quiet).status(f"reading {csv}"):
            data, frozen = import_measurements(csv, network, here().data)
        return (data, frozen) if sibling is None else dataset_of(data.regime.name, sibling, quiet=quiet)
    if sbml is not None:
        with Console(stderr=True, quiet=quiet).status(f"reading {sbml}"):
            regime = import_regime(sbml, here().data).name
    assert regime is not None
    return dataset_of(regime, sibling, quiet=quiet)


def dataset_of(name: str, sibling: int | None = None, *, quiet: bool = False) -> tuple[Dataset | Measurements, bool]:
    """The data of a regime or its sibling, and whether they were generated just now."""
    from simulator.dataset import prepare
    from simulator.measured import Measured, find_known
    from simulator.measurements import find_measurements

    root = here().data
    regime = find_known(name, root)
    if sibling is not None:
        regime = regime.sibling(sibling)
    with Console(stderr=True, quiet=quiet).status(f"preparing the data of {regime.name}"):
        return (find_measurements(regime, root), False) if isinstance(regime, Measured) else prepare(regime, root)

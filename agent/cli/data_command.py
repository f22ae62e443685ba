"""The command `stoichloop data`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agent.cli.completion import complete_regime
from agent.cli.options import Json, Sibling
from agent.cli.output import print_json, say
from stoichloop.errors import StoichloopError, UsageError

if TYPE_CHECKING:
    from simulator.published.import_published import Request


def data(
    regime: Annotated[
        str | None,
        typer.Argument(
            metavar="[REGIME]",
            help="Name of a regime; 'stoichloop regimes' lists them.",
            autocompletion=complete_regime,
        ),
    ] = None,
    sbml: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead of REGIME: make a regime from an SBML model, named after the file."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead of REGIME: import your measurements, a table or a PEtab problem, named after the file.",
        ),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Network of the measurements in --csv, as YAML or SBML; a PEtab problem has its own."
        ),
    ] = None,
    kinetics: Annotated[
        Literal["own"] | None,
        typer.Option(help="With --sbml: 'own' simulates the model by its own rate laws, instead of those of PDE_M1."),
    ] = None,
    trajectories: Annotated[
        int | None, typer.Option(min=1, help="With --kinetics own: trajectories to train on; default 30.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=4, help="With --kinetics own: samples of each; default 40.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="With --kinetics own: noise as a share of each reading; default 0."),
    ] = None,
    sibling: Sibling = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Compare by value with the frozen data in FOLDER, say from another machine; fail if they differ.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Freeze or verify a regime's data; report its identifiability.

    Existing data are never generated again; their checksums are verified.
    """
    from agent.training.datasets import find_data

    if against is not None:
        from simulator.comparison import read_other

        read_other(against)  # before data are frozen to compare with it
    own = _own_kinetics(sbml, sibling, kinetics, {"trajectories": trajectories, "samples": samples, "noise": noise})
    dataset, generated = find_data(regime, sbml, csv, network, sibling, own=own, quiet=as_json)
    if against is not None:
        _compare(dataset.folder, against, as_json)
        return
    if as_json:
        print_json(
            {
                "regime": dataset.regime.name,
                "folder": str(dataset.folder),
                "description": dataset.regime.description,
                "generated": generated,
                "objective": "exact" if dataset.manifest.truth else "support",
                "fingerprint": dataset.manifest.fingerprint(),
                **dataset.facts.model_dump(mode="json"),
            }
        )
        return
    from agent.base.console import Console
    from agent.screen.datasheet import datasheet

    console, made = Console(), "generated" if dataset.manifest.truth else "frozen"
    console.print(f"{made if generated else 'verified'} {dataset.folder}", soft_wrap=True, highlight=False)
    console.print(datasheet(dataset))


def _own_kinetics(
    sbml: Path | None, sibling: int | None, kinetics: str | None, asked: dict[str, Any]
) -> Request | None:
    """Return how to sample a model by its own rate laws, None if that is not asked for; raises `StoichloopError`."""
    given = {name: value for name, value in asked.items() if value is not None}
    if kinetics is None and not given:
        return None
    if kinetics is None:
        raise UsageError(f"--{next(iter(given))} goes with --kinetics own; give both, or leave it out")
    if sbml is None or sibling is not None:
        raise UsageError("--kinetics own goes with --sbml FILE, and without --sibling: a model has rate laws once")
    from simulator.published.import_published import Request

    return Request(**given)


def _compare(folder: Path, other: Path, as_json: bool) -> None:
    """Print how the data in two folders differ; raise `StoichloopError` if by more than rounding."""
    from simulator.comparison import TOLERANCE, compare

    found = compare(folder, other)
    if as_json:
        print_json(asdict(found) | {"equal": found.equal, "tolerance": TOLERANCE, "sentence": found.sentence()})
    else:
        for name, difference in found.arrays.items():
            say(f"{difference:7.1e}  {name}")
    if not found.equal:
        raise StoichloopError(f"{folder} and {other} are {found.sentence()}")
    if not as_json:
        say(f"{folder} and {other} are {found.sentence()}")

"""Tab completion: the names of regimes, moves, campaigns and experiments. It must be quick, and silent on any error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import typer

Offers = list[tuple[str, str]]  # a name and its description
P = ParamSpec("P")


def _silent(offer: Callable[P, Offers]) -> Callable[P, Offers]:
    """Return `offer` made to offer nothing on an error: a shell prints errors into the line being typed."""

    @wraps(offer)
    def offer_or_nothing(*args: P.args, **kwargs: P.kwargs) -> Offers:
        try:
            return offer(*args, **kwargs)
        except Exception:
            return []

    return offer_or_nothing


def complete_regime(incomplete: str) -> Offers:
    """Offer the regimes of the program and of the user, by file name: reading the files would take too long."""
    return _regimes_in(
        Path(__file__).parents[2] / "simulator" / "regimes", incomplete, "comes with stoichloop"
    ) + _own_regimes(incomplete)


@_silent
def _own_regimes(incomplete: str) -> Offers:
    from agent.executor.workspace import find_workspace

    return _regimes_in(find_workspace(Path.cwd()).data, incomplete, "your own")


def _regimes_in(folder: Path, incomplete: str, description: str) -> Offers:
    return _starting_with(incomplete, [path.stem for path in folder.glob("*.yaml")], description)


@_silent
def complete_campaign(incomplete: str) -> Offers:
    """Offer the campaigns of this workspace."""
    from agent.executor.workspace import find_workspace

    return _starting_with(incomplete, find_workspace(Path.cwd()).campaign_names, "")


@_silent
def complete_experiment(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the experiments, with verdicts, of the campaign given so far on the line, or of the latest campaign."""
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import find_workspace
    from memory.ledger import Ledger

    campaign = open_campaign(find_workspace(Path.cwd()), ctx.params.get("campaign"))
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        outlines = ledger.outlines(campaign.settings.fidelity)
    return [(line.id, line.verdict or "open") for line in outlines if line.id.startswith(incomplete)]


def complete_move(incomplete: str) -> Offers:
    """Offer the moves of the catalogue, by folder name: reading the files would take too long."""
    files = (Path(__file__).parents[2] / "moves").glob("*/move.yaml")
    return _starting_with(incomplete, [path.parent.name for path in files], "move")


def _starting_with(incomplete: str, names: Iterable[str], description: str) -> Offers:
    return [(name, description) for name in sorted(names) if name.startswith(incomplete)]

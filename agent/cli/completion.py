"""What a shell offers at the tab key: names that are there. It must be quick, and silent whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import typer

Offers = list[tuple[str, str]]  # a name, and what it is
P = ParamSpec("P")


def _silent(offer: Callable[P, Offers]) -> Callable[P, Offers]:
    """A shell shows whatever is printed or raised in the middle of what the person is typing."""

    @wraps(offer)
    def offer_or_nothing(*args: P.args, **kwargs: P.kwargs) -> Offers:
        try:
            return offer(*args, **kwargs)
        except Exception:
            return []

    return offer_or_nothing


def complete_regime(incomplete: str) -> Offers:
    """The regimes of the program and the user's own, by their files: reading them all would take too long."""
    return _regimes_in(
        Path(__file__).parents[2] / "simulator" / "regimes", incomplete, "comes with stoichloop"
    ) + _own_regimes(incomplete)


@_silent
def _own_regimes(incomplete: str) -> Offers:
    from agent.executor.workspace import find_workspace

    return _regimes_in(find_workspace(Path.cwd()).data, incomplete, "your own")


def _regimes_in(folder: Path, incomplete: str, what: str) -> Offers:
    return _starting_with(incomplete, [path.stem for path in folder.glob("*.yaml")], what)


@_silent
def complete_campaign(incomplete: str) -> Offers:
    """The campaigns here."""
    from agent.executor.workspace import find_workspace

    folders = find_workspace(Path.cwd()).runs.glob("[!.]*/campaign.yaml")
    return _starting_with(incomplete, [path.parent.name for path in folders], "")


@_silent
def complete_experiment(ctx: typer.Context, incomplete: str) -> Offers:
    """The experiments of the campaign that the line names so far, or of the latest, with their verdicts."""
    from agent.campaign.folder import open_campaign
    from agent.executor.workspace import find_workspace
    from memory.ledger import Ledger

    campaign = open_campaign(find_workspace(Path.cwd()), ctx.params.get("campaign"))
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        lines = ledger.outlines(campaign.settings.fidelity)
    return [(line.id, line.verdict or "open") for line in lines if line.id.startswith(incomplete)]


def _starting_with(incomplete: str, names: Iterable[str], what: str) -> Offers:
    return [(name, what) for name in sorted(names) if name.startswith(incomplete)]

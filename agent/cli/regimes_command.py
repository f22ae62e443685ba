"""The command `stoichloop regimes`."""

from __future__ import annotations

from pathlib import Path

from agent.cli.options import Json
from agent.cli.output import print_json, say
from stoichloop.errors import StoichloopError


def regimes(as_json: Json = False) -> None:
    """List the regimes, one per line."""
    from simulator.measured_regime import all_known

    known = all_known(*_user_folders())
    if as_json:
        print_json(
            [{"name": regime.name, "title": regime.title, "description": regime.description} for regime in known]
        )
        return
    for regime in known:
        say(f"{regime.name:<18} {regime.title}")


def _user_folders() -> list[Path]:
    """Return the folder of the user's own regimes, or no folder outside a clone."""
    from agent.executor.workspace import current_workspace

    try:
        return [current_workspace().data]
    except StoichloopError:
        return []

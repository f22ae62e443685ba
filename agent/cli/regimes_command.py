"""The command `stoichloop regimes`."""

from __future__ import annotations

from pathlib import Path

from agent.cli.options import Json
from agent.cli.output import print_json, say
from stoichloop.errors import StoichloopError

_FIRST = "pde_m1_tiny"  # its trials take seconds


def regimes(as_json: Json = False) -> None:
    """List the regimes, one per line, marked where frozen."""
    from simulator.measured_regime import all_known

    folders = _user_folders()
    known = all_known(*folders)
    frozen = {regime.name for regime in known for folder in folders if (folder / regime.name).is_dir()}
    if as_json:
        facts = ("name", "title", "description")
        print_json([{fact: getattr(r, fact) for fact in facts} | {"frozen": r.name in frozen} for r in known])
        return
    for regime in known:
        first = "; start here" if regime.name == _FIRST else ""
        say(f"{regime.name:<18} {'frozen' if regime.name in frozen else '':<7} {regime.title}{first}")


def _user_folders() -> list[Path]:
    """Return the folder of the user's own regimes, or no folder outside a clone."""
    from agent.executor.workspace import current_workspace

    try:
        return [current_workspace().data]
    except StoichloopError:
        return []

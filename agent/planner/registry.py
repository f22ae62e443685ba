"""The planners, found by their files in `agent/planner/planners/`."""

from __future__ import annotations

import importlib
import pkgutil

from agent.planner import planners
from agent.planner.contract import Options, Planner
from stoichloop.errors import UsageError


def planner_names() -> list[str]:
    """Return the names for `--planner`: the modules of `agent.planner.planners`."""
    return sorted(module.name for module in pkgutil.iter_modules(planners.__path__))


def create_planner(name: str, options: Options) -> Planner:
    """Return the planner called `name`, made by its module's `create(options)`; raise `StoichloopError` for others."""
    if name not in planner_names():
        raise UsageError(f"--planner '{name}' must be one of {', '.join(planner_names())}")
    planner: Planner = importlib.import_module(f"{planners.__name__}.{name}").create(options)
    return planner

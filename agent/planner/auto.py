"""The default planner: the best that needs no key and no server. So far that is the sweep."""

from __future__ import annotations

from agent.planner import Planner
from agent.planner.sweep import Sweep


def create(seed: int, fidelity: str) -> Planner:
    """See `agent.planner.create_planner`."""
    return Sweep(seed, fidelity)

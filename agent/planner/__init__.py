"""Who proposes the next experiments. A planner is a module here with a `create`; its file name is its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import Protocol

from agent.errors import StoichloopError
from agent.executor.code_state import CodeState
from agent.planner.proposal import Proposal
from memory.records import Experiment

_SHARED = ("catalogue", "proposal")


class Planner(Protocol):
    """Proposes changes of the incumbent; owns no loop, runs nothing."""

    @property
    def name(self) -> str:
        """The rung that its blocks stand on."""

    def propose(
        self,
        count: int,
        parent: Experiment,
        state: CodeState,
        past: Sequence[Experiment],
        is_new: Callable[[Proposal], bool],
    ) -> list[Proposal]:
        """Up to `count` proposals on top of `parent`, whose code is `state`.

        `past` holds every experiment so far. A proposal for which `is_new` says no has been run already, or
        stands in this block: it must not be returned.
        """


def planner_names() -> list[str]:
    """The planners there are: every module of this package but what they share."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in _SHARED)


def create_planner(name: str, *, seed: int, fidelity: str) -> Planner:
    """The planner called `name`, by its module's `create(seed, fidelity)`; raises `StoichloopError`."""
    if name not in planner_names():
        raise StoichloopError(f"--planner '{name}' must be one of {', '.join(planner_names())}")
    planner: Planner = importlib.import_module(f"agent.planner.{name}").create(seed, fidelity)
    return planner

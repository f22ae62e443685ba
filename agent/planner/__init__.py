"""Who proposes the next experiments. One planner a file, all behind `Planner`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from agent.executor.code_state import CodeState
from agent.planner.proposal import Proposal
from memory.records import Experiment


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

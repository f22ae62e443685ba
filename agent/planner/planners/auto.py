"""The hybrid: the optimiser for configurations, the moves for code; for both, combinations of earlier changes, models
and an agent program. Each is asked as often as its proposals have earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.planner.bandit import ask_by_worth
from agent.planner.contract import (
    Lesson,
    Options,
    PayingPlanner,
    Planner,
    Rung,
    Situation,
    WaitingPlanner,
    first_explained,
)
from agent.planner.planners import command
from agent.planner.planners.combine import Combine
from agent.planner.planners.moves import Moves
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal


@dataclass(frozen=True)
class Auto:
    """Asks the planners of the rung by what their proposals have earned; where one falls short, others fill in."""

    planners: Sequence[Planner]
    seed: int = 0
    name: str = "auto"
    rungs: tuple[Rung, ...] = ("sweep", "code")

    @property
    def waits(self) -> bool:
        """See `WaitingPlanner`."""
        return any(isinstance(planner, WaitingPlanner) and planner.waits for planner in self.planners)

    @property
    def expense(self) -> str:
        """See `PayingPlanner`."""
        return "; ".join(planner.expense for planner in self.planners if isinstance(planner, PayingPlanner))

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`."""
        return ask_by_worth(self.planners, situation, self.seed)

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """See `Explainer`."""
        return first_explained(self.planners, situation, lesson)


def create(options: Options) -> Auto:
    """See `agent.planner.registry.create_planner`."""
    planners: list[Planner] = [Combine(options.fidelity, options.without), Sweep(options.seed, options.fidelity)]
    if options.models:
        from agent.planner.planners import llm  # only here: its extra may be missing

        planners += llm.create(options).planners
    if options.program:
        planners.append(command.create(options))
    return Auto((*planners, Moves(options.fidelity, options.without)), options.seed)

"""The hybrid: the optimiser for configurations, the moves for code, and for both combinations of what was tried, and a
model or an agent program where one is given. Each has an equal share of the proposals of a rung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.planner.contract import Explainer, Lesson, Options, Planner, Rung, Situation, WaitingPlanner
from agent.planner.planners import command
from agent.planner.planners.combine import Combine
from agent.planner.planners.moves import Moves
from agent.planner.planners.sweep import Sweep
from agent.planner.proposal import Proposal

_ROUNDS = 2  # experiments a planner, of which the shares are counted


@dataclass(frozen=True)
class Auto:
    """Asks every planner of the rung in turn; where one falls short, the next one fills in.

    The one that has proposed least of what is newest on this rung comes first, so that shares are equal even where one
    proposal is wanted at a time.
    """

    planners: Sequence[Planner]
    name: str = "auto"
    rungs: tuple[Rung, ...] = ("sweep", "code")

    @property
    def waits(self) -> bool:
        """See `WaitingPlanner`."""
        return any(isinstance(planner, WaitingPlanner) and planner.waits for planner in self.planners)

    def propose(self, situation: Situation) -> list[Proposal]:
        """See `Planner`."""
        able = [planner for planner in self.planners if situation.rung in planner.rungs]
        newest = [e.planner for e in situation.past if bool(e.patch) == (situation.rung == "code")][
            -len(able) * _ROUNDS :
        ]
        able.sort(key=lambda planner: newest.count(planner.name))
        proposals: list[Proposal] = []
        for place, planner in enumerate(able):
            left = situation.roles[len(proposals) :]
            share = -(-len(left) // (len(able) - place))
            found = planner.propose(replace(situation, roles=left[:share]))
            proposals += [proposal.model_copy(update={"planner": planner.name}) for proposal in found]
        return proposals

    def explain(self, situation: Situation, lesson: Lesson) -> Lesson:
        """See `Explainer`: the first that can explain does."""
        teller = next((planner for planner in self.planners if isinstance(planner, Explainer)), None)
        return teller.explain(situation, lesson) if teller else lesson


def create(options: Options) -> Auto:
    """See `agent.planner.registry.create_planner`."""
    planners: list[Planner] = [Combine(options.fidelity, options.without), Sweep(options.seed, options.fidelity)]
    if options.model:
        from agent.planner.planners import llm  # only here: its extra may be missing

        planners.append(llm.create(options))
    if options.program:
        planners.append(command.create(options))
    return Auto((*planners, Moves(options.fidelity, options.without)))

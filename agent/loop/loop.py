"""The loop. A **planner** proposes on top of what was accepted, an **executor** trains, an **analyzer** scores and
judges, and the ledger remembers. Each turn reads one snapshot of the campaign; `next_step` decides and the controller
performs. Everything is decided from the ledger, so a killed loop continues where it was.
"""

from __future__ import annotations

from agent.loop.controller import Controller
from agent.loop.next_step import CloseBlock, GiveVerdict, OpenBlock, Pause, StartTrials, Stop, TryIdea, Wait, next_step


def lead(controller: Controller) -> None:
    """Run a campaign until there is a reason to stop."""
    controller.land()
    while True:
        match next_step(controller.snapshot()):
            case OpenBlock(decision, roles):
                controller.open_block(decision, roles)
            case TryIdea(idea, parent):
                controller.try_idea(idea, parent)
            case StartTrials(trials):
                controller.start_trials(trials)
            case GiveVerdict(experiment, verdict):
                controller.give_verdict(experiment, verdict)
            case CloseBlock(block, explain):
                controller.close_block(block, explain=explain)
            case Pause(seconds):
                controller.pause(seconds)
            case Wait(idle, first):
                controller.wait(idle, first)
            case Stop(ending):
                controller.ending = ending
                return

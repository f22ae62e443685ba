"""The loop. A **planner** proposes on top of what was accepted, an **executor** trains, an **analyzer** scores and
judges, and the ledger remembers. Each turn reads one snapshot of the campaign; `next_step` decides and the controller
performs. Everything is decided from the ledger, so a killed loop continues where it was.
"""

from __future__ import annotations

from agent.loop.controller import Controller
from agent.loop.next_step import CloseBlock, GiveVerdict, OpenBlock, RunTrials, Stop, Wait, next_step


def lead(controller: Controller) -> str:
    """Run a campaign until there is a reason to stop; return the reason."""
    controller.land()
    while True:
        match next_step(controller.snapshot()):
            case OpenBlock(decision, roles):
                controller.open_block(decision, roles)
            case RunTrials(trials):
                controller.run_trials(trials)
            case GiveVerdict(experiment, verdict):
                controller.give_verdict(experiment, verdict)
            case CloseBlock(block, explain):
                controller.close_block(block, explain=explain)
            case Wait(seconds):
                controller.wait(seconds)
            case Stop(reason):
                return reason

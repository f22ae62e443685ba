"""The state of a campaign: it runs, or how it ended; and the two commands that are of use next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.base.campaign_request import CampaignRequest
from agent.campaign.folder import CampaignFolder, Settings
from agent.campaign.session import is_alive
from agent.campaign.steering import read_steering
from memory.ending import CampaignState, StateKind
from memory.formatting import moment
from memory.ledger import Ledger
from memory.records import Grant, Outline


def read_state(campaign: CampaignFolder, ledger: Ledger, experiments: Sequence[Outline]) -> CampaignState:
    """Return the state of a campaign with these experiments."""
    settings, session, ending = campaign.settings, ledger.session(), ledger.ending()
    changed = [e for e in experiments if e.accepted and e.block > 0]
    best = max(changed, key=lambda e: e.rank or 0, default=None)
    resume = (session and session.command) or _resume(settings, ledger.grant())
    heard = max(ledger.last_spend_at(), session.started_at if session else 0.0)
    kind: StateKind = "not started"
    words = ""
    if ending is not None:  # its process may go on
        kind, words = ending.kind, ending.words
    elif session is not None:
        kind, words = ("running", "") if is_alive(session) else ("killed", f"last heard at {moment(heard)}")
        pause = read_steering(ledger.interventions()).pause
        if kind == "running" and pause is not None:
            commands = f"stoichloop resume {settings.name}", f"stoichloop status {settings.name}"
            return CampaignState("running", f"paused by {pause.author}", heard, commands, paused=True)
    commands = next_commands(kind, settings.name, best.id if best else None, resume)
    return CampaignState(kind, words, ending.at if ending else heard, commands)


def next_commands(kind: StateKind, name: str, best: str | None, resume: str) -> tuple[str, str]:
    """Return two commands for a campaign in a state; `best` is the experiment accepted last, None for the baseline."""
    status, log, winners = (f"stoichloop {command} {name}" for command in ("status", "log", "winners"))
    if kind == "not started":
        return resume, status
    if kind == "running":
        return f"{status} --watch", log
    if kind in ("crashed", "killed"):
        return resume, log
    if kind == "finished":
        return (winners, f"stoichloop pick {best} --campaign {name}") if best else (f"stoichloop report {name}", log)
    return resume, winners if best else log


def _resume(settings: Settings, grant: Grant | None) -> str:
    """Return the command that resumes a campaign whose sessions have kept none."""
    asked = CampaignRequest(settings.name, planner=settings.planner, fidelity=settings.fidelity, seed=settings.seed)
    if grant is not None:
        budget = f"{max(1.0, grant.asked_wall_s):.0f}s"
        asked = replace(asked, budget=budget, experiments=grant.asked_experiments)
    return asked.command(settings.regime)

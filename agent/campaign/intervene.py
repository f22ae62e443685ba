"""Interventions as a user makes them: checked against the campaign, and left in its inbox for the controller.

If no controller runs, they are taken up at once.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from git import GitCommandError
from pydantic import ValidationError

from agent.base.loop_git import user_git
from agent.base.nearest_name import nearest_name
from agent.campaign.campaign_state import read_state
from agent.campaign.folder import CampaignFolder
from agent.campaign.inbox import Inbox, told, with_descendants
from agent.campaign.registrar import proposal_of
from agent.executor.workspace import Workspace
from memory.intervention import Intervention, InterventionKind
from memory.leaderboard import incumbent
from memory.ledger import Ledger
from memory.records import Experiment
from stoichloop.errors import StoichloopError, UsageError
from stoichloop.foreign_text import storable

_OF_SESSION = ("pause", "resume", "stop")


@dataclass(frozen=True)
class Submitted:
    """An intervention: its file in the inbox, until it is taken up, and in `words` what becomes of it."""

    intervention: Intervention
    path: Path
    words: str


def user_name(workspace: Workspace) -> str:
    """Return the name of the user: that of git's configuration, else that of the account, else its number."""
    with suppress(GitCommandError):
        if name := str(user_git(workspace.root).config("--get", "user.name")).strip():
            return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that its system does not know
        return f"user {os.getuid()}"


def intervene(
    workspace: Workspace,
    campaign: CampaignFolder,
    kind: InterventionKind,
    *,
    experiment: str | None = None,
    words: str = "",
    changes: Mapping[str, Any] | None = None,
    patch: str = "",
    score: float | None = None,
    author: str = "",
) -> Submitted:
    """Leave an intervention in the inbox of a campaign; raise `StoichloopError` for one that cannot be taken up."""
    asked = Intervention(
        kind,
        storable(author or user_name(workspace)),
        time.time(),
        experiment,
        storable(words),
        dict(changes or {}),
        patch,
        score,
    )
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        experiments = ledger.experiments()
        state = read_state(campaign, ledger, ledger.outlines(campaign.settings.fidelity))
        session = ledger.session()
    name, runs = campaign.settings.name, state.kind == "running"
    if kind in _OF_SESSION and not runs:
        raise StoichloopError(f"campaign '{name}' is not running: {state}; start it with: {state.commands[0]}")
    whole = with_descendants(asked, experiments)
    if kind == "idea":
        _check_idea(asked, experiments)
    inbox = Inbox(campaign.inbox_path)
    path = inbox.submit(asked)
    if runs:
        when = "the controller takes it up now"
    else:
        with campaign.lead(), Ledger(campaign.ledger_path) as ledger:
            inbox.take_up(ledger, ledger.add_event)
        when = f"the campaign is not running; continue it with: {state.commands[0]}" if kind == "idea" else "it holds"
    unread = kind == "idea" and not asked.is_trial and session is not None and not _asks_models(session.command)
    hint = "; it asks no model: give --set or --patch to have the idea tried" if unread else ""
    return Submitted(asked, path, f"campaign '{name}': {told(whole)}; {when}{hint}")


def _asks_models(command: str) -> bool:
    return "--model" in command or "--program" in command


def _check_idea(idea: Intervention, experiments: list[Experiment]) -> None:
    """Raise `StoichloopError` for an idea that is empty, too long, or changes a field that there is not."""
    if not idea.words.strip():
        raise StoichloopError("the idea cannot be tried: words are missing; say what should be better, and why")
    try:
        if idea.is_trial:
            proposal_of(idea, "e0001")
    except ValidationError as error:
        fault = error.errors()[0]
        raise StoichloopError(f"the idea cannot be tried: {fault['loc'][0]}: {fault['msg']}") from error
    leader = incumbent(experiments)
    if leader is None or idea.patch:  # which may bring fields
        return
    for field in idea.changes:
        if field not in leader.configuration:
            near = nearest_name(field, leader.configuration)
            hint = f"did you mean '{near}'?" if near else f"fields are {', '.join(sorted(leader.configuration))}"
            raise UsageError(f"--set {field}: {leader.id} has no field '{field}'; {hint}")

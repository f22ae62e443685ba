"""The command `stoichloop idea`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.output import say


def idea(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[CAMPAIGN] TEXT", help="The campaign's name, by default the latest; then the idea in a sentence."
        ),
    ],
    patch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The change as a unified diff of gnn/, as 'git diff' prints it.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one field; may be repeated."),
    ] = None,
) -> None:
    """Queue an idea of yours. With --patch or --set it becomes the next experiment; otherwise, models read it."""
    from agent.campaign.folder import open_campaign
    from agent.campaign.intervene import intervene
    from agent.executor.workspace import current_workspace
    from agent.training.overrides import parse_changes

    *campaign, text = words
    if len(campaign) > 1:
        raise typer.BadParameter("give the idea as one text, in quotes: stoichloop idea demo 'tie the sign of S'")
    diff = _read(patch) if patch else ""
    workspace = current_workspace()
    opened = open_campaign(workspace, next(iter(campaign), None))
    done = intervene(workspace, opened, "idea", words=text, patch=diff, changes=parse_changes(changes or []))
    say(done.words)


def _read(patch: Path) -> str:
    from stoichloop.errors import StoichloopError

    try:
        diff = patch.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StoichloopError(f"--patch {patch}: cannot be read: {why}") from error
    if not diff.strip():
        raise StoichloopError(f"--patch {patch}: empty; make it with git diff")
    return diff

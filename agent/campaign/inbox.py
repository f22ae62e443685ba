"""The inbox of a campaign: interventions of the user, a file each, which wait for the controller to take them up.

Only the controller writes the ledger while it runs, so that an intervention from another process comes as a file in
`runs/NAME/inbox/`. The controller adds it to the ledger and then removes the file. Killed in between, it finds the file
again, and the ledger knows its name. A file that waits while no controller runs is taken up by the next one.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from agent.campaign.registrar import proposal_of
from memory.intervention import Intervention
from memory.ledger import Ledger
from memory.records import Experiment
from memory.render import write_atomically
from stoichloop.errors import StoichloopError

_SUFFIX, _UNREADABLE = ".json", ".unreadable"
_FILE = TypeAdapter(Intervention)


@dataclass(frozen=True)
class Inbox:
    """The folder with the files that wait."""

    folder: Path

    def submit(self, intervention: Intervention) -> Path:
        """Write an intervention for the controller; return its file. Files are taken up in the order of their names."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{time.time_ns()}-{os.getpid()}{_SUFFIX}"
        write_atomically(path, _FILE.dump_json(intervention, indent=1).decode())
        return path

    def waiting(self) -> list[Path]:
        """Return the files that wait, oldest first."""
        return sorted(path for path in self.folder.glob(f"*{_SUFFIX}") if not path.name.startswith("."))

    def take_up(self, ledger: Ledger, note: Callable[[str], None]) -> list[Intervention]:
        """Move what waits into the ledger; return what was new. What cannot be taken up is noted and left out."""
        taken: list[Intervention] = []
        for path in self.waiting():
            try:
                read = _FILE.validate_json(path.read_bytes())
                _check_form(read)
                whole = with_descendants(read, ledger.experiments())
            except ValueError as error:
                path.rename(path.with_suffix(_UNREADABLE))
                note(f"{path}: not a valid intervention, so it is ignored: {' '.join(str(error).split())[:200]}")
                continue
            except StoichloopError as error:
                note(f"the {read.kind} of {read.author} is left out: {error}")
                whole = []
            if whole and ledger.add_interventions(path.name, whole):
                note(told(whole))
                taken += whole
            path.unlink(missing_ok=True)
        return taken


def _check_form(read: Intervention) -> None:
    """Raise `ValueError` for what no command leaves in an inbox, and the loop could not try, find or store."""
    if read.is_trial:
        proposal_of(read, "e0001")
    if read.experiment is None and read.kind in ("veto", "unveto", "pin", "unpin"):
        raise ValueError(f"a {read.kind} names an experiment")
    if not all(map(math.isfinite, (read.given_at, read.score or 0.0))):
        raise ValueError("given_at and score are finite numbers")


def with_descendants(intervention: Intervention, experiments: Sequence[Experiment]) -> list[Intervention]:
    """Return an intervention, and for a veto the same for each experiment on top of the vetoed one.

    Raises `StoichloopError` if the experiment cannot be vetoed or pinned.
    """
    name, kind = intervention.experiment, intervention.kind
    if name is None:
        return [intervention]
    by_id = {e.id: e for e in experiments}
    if (found := by_id.get(name)) is None:
        raise StoichloopError(f"there is no experiment '{name}' in this campaign")
    if kind == "pin" and not found.accepted:
        raise StoichloopError(f"{name} is not accepted, so nothing can be built on it")
    if kind == "veto" and found.parent is None:
        raise StoichloopError(f"{name} is the baseline, which everything is compared with: it cannot be vetoed")
    if kind == "veto" and found.verdict is not None and not found.accepted:
        raise StoichloopError(f"{name} is {found.verdict.verdict} already, so nothing is built on it")
    if kind not in ("veto", "unveto"):
        return [intervention]
    built = {name}
    for e in experiments:  # parents come before their children
        if built.intersection((e.parent, *e.combines)):
            built.add(e.id)
    below = [e for e in experiments if e.id in built - {name} and (kind == "unveto" or e.verdict is None or e.accepted)]
    return [intervention, *(replace(intervention, experiment=e.id, words=f"built on {name}") for e in below)]


def told(interventions: Sequence[Intervention]) -> str:
    """Return a sentence on interventions that came in one file: the author, the request, and the words."""
    first = interventions[0]
    names = ", ".join(each.experiment for each in interventions if each.experiment)
    what = {
        "idea": "an idea to try" if first.is_trial else "an idea, for the models",
        "veto": f"a veto of {names}",
        "unveto": f"the end of the veto of {names}",
        "pin": f"a pin of {names} as a parent",
        "unpin": f"the end of the pin of {names}",
        "pause": "a pause",
        "resume": "the end of the pause",
        "stop": "the end" if first.score is None else f"the end at {first.score:g}",
    }[first.kind]
    return f"{first.author} asks for {what}{': ' if first.words else ''}{first.words}"

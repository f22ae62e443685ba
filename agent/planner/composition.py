"""The composition of experiments: their changes together, as one proposal on one parent.

Configurations are merged by field; where two parts change the same field, the value of the first one stands. Patches
are merged one after the other, by line, as git merges them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from git import GitCommandError

from agent.base.loop_git import loop_git
from agent.executor.code.merging import merge_files
from agent.executor.code.scratch import difference, scratch_copy
from agent.planner.contract import Objection, PlannerHost
from agent.planner.proposal import Proposal
from memory.records import HYPOTHESIS_CHARACTERS, TITLE_CHARACTERS, Experiment
from stoichloop.foreign_text import shorten


def compose(parts: Sequence[Experiment], parent: Experiment, host: PlannerHost) -> Proposal | Objection:
    """Return a proposal that makes the changes of all `parts` on `parent`, or why there is none.

    A part that would change nothing of the parent, or nothing that the parts before it leave to it, is an objection.
    """
    changes: dict[str, Any] = {}
    for part in parts:
        own = {name: value for name, value in part.changes.items() if name not in changes}
        if not part.patch and all(parent.configuration.get(name) == value for name, value in own.items()):
            return Objection(f"{part.id} would change nothing in it: {_why_idle(part, parent)}")
        changes |= own
    diff = _merged(parts, parent, host) if any(part.patch for part in parts) else ""
    if isinstance(diff, Objection):
        return diff
    return Proposal(
        title=_title(parts, parent),
        hypothesis=hypothesis_of(parts, parent),
        parent=parent.id,
        changes={name: value for name, value in changes.items() if parent.configuration.get(name) != value},
        diff=diff,
        move=parts[0].move if len(parts) == 1 else None,
        combines=tuple(part.id for part in parts),
    )


def _title(parts: Sequence[Experiment], parent: Experiment) -> str:
    """Return the names of the parts; of a single one, its title."""
    if len(parts) > 1:
        return shorten(" + ".join(part.move or part.id for part in parts), TITLE_CHARACTERS, " ...")
    on = f", on {parent.id}"
    return shorten(parts[0].headline, TITLE_CHARACTERS - len(on), " ...") + on


def hypothesis_of(parts: Sequence[Experiment], parent: Experiment, leads: Mapping[str, str] | None = None) -> str:
    """Return the hypothesis of a combination: each part with its title, and with its lead where one is given."""
    led = leads or {}  # of a line of experiments, the last one has its lead
    told = [f"{part.id} ({part.headline}{'; ' + led[part.id] if part.id in led else ''})" for part in parts]
    claim = "recovers more on" if len(parts) == 1 else "together recover more than"
    return shorten(f"{' and '.join(told)} {claim} {parent.id}", HYPOTHESIS_CHARACTERS, " ...")


def texts_in(folder: Path) -> dict[str, str]:
    """Return the text of each Python file of the `gnn/` in a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "surrogateescape")
        for path in sorted((folder / "gnn").rglob("*.py"))
        if path.is_file() and not path.is_symlink()
    }


def _why_idle(part: Experiment, parent: Experiment) -> str:
    names = ", ".join(part.changes)
    there = all(parent.configuration.get(name) == value for name, value in part.changes.items())
    return f"{parent.id} has its {names} already" if there else f"a part before it changes {names} too"


def _merged(parts: Sequence[Experiment], parent: Experiment, host: PlannerHost) -> str | Objection:
    """Return the diff of the parent's code that makes the patches of all parts."""
    found: list[str] = []

    def edit(folder: Path) -> None:
        for part in (part for part in parts if part.patch and not found):
            after = texts_in(host.state_of(part).folder)
            before = _texts_before(host.state_of(part).folder, part.patch)
            held = texts_in(folder)
            if before is None:
                found.append(f"the patch of {part.id} cannot be taken out of its own code")
            elif conflicts := merge_files(folder, before, after):
                found.append(f"the patch of {part.id} conflicts in {', '.join(conflicts)}")
            elif not part.changes and texts_in(folder) == held:
                found.append(f"the code holds the patch of {part.id} already")

    diff = difference(host.state_of(parent).folder, edit)
    if not found:
        return diff
    names = " and ".join(part.id for part in parts)
    return Objection(f"{names} cannot be combined on {parent.id}: {found[0]}")


@lru_cache(maxsize=32)  # of a commit, whose texts stay; a part is tried in several combinations
def _texts_before(code: Path, patch: str) -> dict[str, str] | None:
    """Return the texts that a patch has changed into those of `code`, None if it does not come off."""
    with scratch_copy(code) as folder:
        draft = folder / "part.patch"
        draft.write_bytes(patch.encode("utf-8", "surrogateescape"))
        try:
            loop_git(folder).apply("--reverse", "--whitespace=nowarn", str(draft))
        except GitCommandError:
            return None
        return texts_in(folder)

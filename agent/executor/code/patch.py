"""Patches of `gnn/`: the files that they may touch, and their application to a checkout. Policy, not containment.

Only Python files under gnn/ may be changed. `source_policy.py` has the rules for what is in them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from git import Git, GitCommandError

from agent.base.loop_git import loop_git, path_of
from agent.executor.code.source_inspection import refusal_of
from agent.executor.code.unified_diff import PatchRefusedError, as_git_reads
from agent.executor.sandbox.bubblewrap import Sandbox
from stoichloop.foreign_text import visible

_COMPONENT, _PATH = 255, 1000  # bytes of a name that file systems take, and of a path
_PLAIN, _GONE = "100644", "000000"  # modes in git's raw diffs


class Replacement(Protocol):
    """Replacement of the text `search` by `replace` in `file`; an empty `search` makes a new file."""

    @property
    def file(self) -> str: ...  # noqa: D102

    @property
    def search(self) -> str: ...  # noqa: D102

    @property
    def replace(self) -> str: ...  # noqa: D102


def touched(patch: Path) -> list[str]:
    """Return the files that a diff changes; raises `PatchRefusedError` if git cannot read it."""
    try:
        entries = str(loop_git(patch.parent).apply("--numstat", "-z", "--recount", str(patch))).split("\0")
    except GitCommandError as error:
        raise PatchRefusedError(f"the diff cannot be read: {_complaint(error)}") from error
    return sorted(entry.split("\t", 2)[2] for entry in entries if entry)


def refuse_files(files: Sequence[str]) -> None:
    """Raise `PatchRefusedError` for a file that a patch may not change, or that no file system or import could name."""
    for file in files:
        path, shown = PurePosixPath(file), " ".join(visible(file).split())[:200]
        if path.parts[:1] != ("gnn",) or ".." in path.parts:
            raise PatchRefusedError(
                f"{shown} is not under gnn/, where all changes must be; give its path like gnn/model.py"
            )
        if path.suffix != ".py":
            raise PatchRefusedError(f"{shown} is not a Python file; values of the configuration belong in changes")
        if not all(name.isidentifier() for name in (*path.parent.parts, path.stem)):
            raise PatchRefusedError(f"{shown} cannot be imported; use letters, digits and _ in names of modules")
        if len(file.encode()) > _PATH or any(len(name.encode()) > _COMPONENT for name in path.parts):
            raise PatchRefusedError(f"{shown} has too long a name for a file; shorten it")


def refuse_outside(git: Git, before: str, after: str) -> None:
    """Raise `PatchRefusedError` for a file outside gnn/ in which two commits or trees differ."""
    names = str(git.diff_tree("-r", "-z", "--no-renames", "--name-only", before, after)).split("\0")
    if outside := [visible(name) for name in names if name and not name.startswith("gnn/")]:
        raise PatchRefusedError(f"{outside[0]} is not under gnn/, where all changes must be")


def apply_diff(diff: str, folder: Path) -> None:
    """Apply a unified diff of files under gnn/ to a checkout and its index, whole or not at all.

    It is merged with later changes if git knows the files that it was written for.
    """
    text = as_git_reads(diff)
    draft = folder / "proposal.patch"
    draft.write_text(text, encoding="utf-8")
    try:
        files = touched(draft)
        refuse_files(files)
        _apply(draft, folder)
    finally:
        draft.unlink()


def _apply(draft: Path, folder: Path) -> None:
    """Apply a diff with an index that holds gnn/ alone, so that nothing can be renamed or copied from elsewhere."""
    git, alone = loop_git(folder), loop_git(folder)
    index = folder / path_of(str(git.rev_parse("--git-path", "index-of-gnn")))
    alone.update_environment(GIT_INDEX_FILE=str(index))
    try:
        alone.read_tree("--prefix=gnn/", str(git.write_tree("--prefix=gnn/")))
        alone.update_index("-q", "--refresh")
        before = str(alone.write_tree())
        try:
            alone.apply("--3way", "--recount", "--whitespace=nowarn", str(draft))
            after = str(alone.write_tree("--prefix=gnn/"))
        except GitCommandError as error:
            # Where a merge fails half-way, git leaves its marks in files whose content the index held until then.
            conflicts = [name for name in str(alone.diff("-z", "--name-only", "--diff-filter=U")).split("\0") if name]
            alone.read_tree("--reset", "-u", before)
            reason = f"conflict in {', '.join(conflicts)}" if conflicts else _complaint(error)
            raise PatchRefusedError(f"the diff does not apply to the parent's code: {reason}") from error
        git.rm("-r", "--cached", "--force", "--quiet", "--", "gnn")
        git.read_tree("--prefix=gnn/", after)
    finally:
        index.unlink(missing_ok=True)


def _complaint(error: GitCommandError) -> str:
    """Return the error message of git, preferably one about a file of gnn/, without its surroundings."""
    lines = [line.partition("error: ")[2] for line in str(error.stderr).splitlines() if "error: " in line]
    line = next((line for line in lines if "gnn/" in line), lines[0] if lines else str(error)).strip(" '")
    if place := re.fullmatch(r"patch failed: (\S+):(\d+)", line):
        return f"its hunk for line {place[2]} of {place[1]} does not fit; copy the lines around it exactly"
    return visible(line)[:300]


def apply_edits(edits: Sequence[Replacement], folder: Path) -> None:
    """Replace text in files under gnn/ of a checkout; each searched text must occur in its file exactly once."""
    refuse_files([edit.file for edit in edits])
    for edit in edits:
        path = folder / edit.file
        if not path.resolve().is_relative_to(folder.resolve() / "gnn"):
            raise PatchRefusedError(f"{edit.file} leads out of gnn/ by a link, and all changes must be in it")
        if not edit.search:
            if path.exists():
                raise PatchRefusedError(f"{edit.file} exists already: give the text to search for in it")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(edit.replace.encode())
            continue
        if not path.is_file():
            raise PatchRefusedError(f"{edit.file} is not in the parent's code; leave search empty to create a file")
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise PatchRefusedError(f"{edit.file} is not text in UTF-8, so no text can be searched in it") from error
        if (count := text.count(edit.search)) != 1:
            first = edit.search.strip().partition("\n")[0][:80]
            found = "is not in" if count == 0 else f"occurs {count} times in"
            raise PatchRefusedError(
                f"the text to search for, '{first}', {found} {edit.file}; it must occur there exactly once"
            )
        path.write_bytes(text.replace(edit.search, edit.replace).encode())


def inspect(folder: Path, sandbox: Sandbox, deadline: float = math.inf) -> None:
    """Raise `PatchRefusedError` unless all changes of a checkout's gnn/ against HEAD are Python within the policy."""
    git = loop_git(folder)
    git.add("--all", "--force", "--", "gnn")
    fields = str(git.diff("--cached", "--raw", "-z", "--no-renames", "HEAD", "--", "gnn")).split("\0")
    modes = {file: columns.split()[1] for columns, file in zip(fields[::2], fields[1::2], strict=False)}
    if not modes:
        raise PatchRefusedError("the patch changes nothing in gnn/")
    refuse_files(list(modes))
    for file, mode in modes.items():
        if mode not in (_PLAIN, _GONE):
            raise PatchRefusedError(f"{file} would no longer be a plain file")
    sources = {file: (folder / file).read_bytes() for file, mode in modes.items() if mode == _PLAIN}
    if (reason := refusal_of(sources, sandbox, deadline)) is not None:
        raise PatchRefusedError(reason)

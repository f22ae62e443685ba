"""Attribution: the experiments of a chain that its tip still holds a change of, found by comparing trees.

Every line of the tip is traced back to the commit that wrote it, and every missing line of the base to the commit that
deleted it. A later change may rewrite or delete all that an earlier one did: then nothing is left of the earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path

from git import Git

from agent.base.loop_git import loop_git
from agent.executor.code.worktree import CHOSEN

_BASE = 0  # writer of the lines that the base commit has


@lru_cache(maxsize=64)  # a report is rendered after every block, and commits do not change
def undone(root: Path, commits: tuple[str, ...]) -> frozenset[int]:
    """Return the positions of the commits whose changes of gnn/ the last commit does not hold.

    `commits` is a chain, oldest first; the first one is the base, which is never undone.
    """
    if len(commits) == 1:
        return frozenset()
    git = loop_git(root)
    trees = [_files(git, commit) for commit in commits]
    changed = {path for path in {*trees[0], *trees[-1]} if trees[0].get(path) != trees[-1].get(path)}
    held = set[int]()
    for path in changed:
        held |= _held([_lines(git, path, tree.get(path)) for tree in trees])
    return frozenset(range(1, len(commits))) - held


def _files(git: Git, commit: str) -> dict[str, str]:
    """Return mode and blob of each file in the gnn/ of a commit."""
    rows = str(git.ls_tree("-r", "-z", commit, "--", "gnn")).split("\0")
    return {path: entry for entry, _, path in (row.partition("\t") for row in rows) if path}


def _lines(git: Git, path: str, entry: str | None) -> list[str] | None:
    """Return the lines of a file, None if there is none; of the chosen configuration, a line per field."""
    if entry is None:
        return None
    text = str(git.cat_file("blob", entry.split()[2]))
    if path != CHOSEN:
        return text.splitlines()
    try:
        return [f"{name}: {json.dumps(value)}" for name, value in sorted(json.loads(text).items())]
    except (ValueError, AttributeError):
        return text.splitlines()  # no JSON object: the tip would not train, but it can be compared


def _held(versions: Sequence[list[str] | None]) -> set[int]:
    """Return the writers of what the last version of a file has and the first has not, or the other way round."""
    lines, traced = versions[0], _Traced.of(versions[0] or [], _BASE)
    deleted_by = _BASE
    for writer, version in enumerate(versions[1:], start=1):
        if version is None and lines is not None:
            deleted_by = writer
        if version is not None and version != lines:
            traced = _Traced.of(version, writer) if lines is None else traced.rewritten(version, writer)
        lines = version
    return ({deleted_by} if lines is None else traced.writers()) - {_BASE}


class _Traced:
    """Lines with the writer of each, and with the writers who deleted lines in each gap between them."""

    def __init__(self, lines: list[str], wrote: list[int], gaps: list[set[int]]) -> None:
        self._lines, self._wrote, self._gaps = lines, wrote, gaps

    @classmethod
    def of(cls, lines: list[str], writer: int) -> _Traced:
        """Return lines that one writer wrote."""
        return cls(lines, [writer] * len(lines), [set() for _ in range(len(lines) + 1)])

    def rewritten(self, lines: list[str], writer: int) -> _Traced:
        """Return the lines of the next version. A deletion is forgotten once the lines around it are replaced."""
        wrote, gaps = list[int](), [set(self._gaps[0])]
        for kind, start, end, new_start, new_end in SequenceMatcher(
            None, self._lines, lines, autojunk=False
        ).get_opcodes():
            if kind == "equal":
                wrote += self._wrote[start:end]
                gaps += self._gaps[start + 1 : end + 1]
                continue
            if kind == "replace" and start == 0:
                gaps[0] = set()
            wrote += [writer] * (new_end - new_start)
            gaps += [set() for _ in range(new_end - new_start)]
            if kind == "delete":
                gaps[-1] = {writer}
            if kind == "replace" and end < len(self._lines):
                gaps[-1] = set(self._gaps[end])
        return _Traced(lines, wrote, gaps)

    def writers(self) -> set[int]:
        """Return all writers. An empty line, which any two texts have in common, has none."""
        wrote = {writer for writer, line in zip(self._wrote, self._lines, strict=True) if line.strip()}
        return wrote.union(*self._gaps)

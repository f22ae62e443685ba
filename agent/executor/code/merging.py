"""Three-way merges of texts: the change of one text, made in another that was changed elsewhere."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path

from agent.base.loop_git import loop_git

_MARKS = "<|=>"  # begin what is here, what was before and what came after, and end the conflict
_SHORTEST = 7  # characters of a mark
_BEGINNING = re.compile(r"^(?:<+|\|+|=+|>+)", re.MULTILINE)
_WORST = 127  # conflicts, as the exit status counts them; above it stands an error


def merged_text(here: str, before: str, after: str) -> str | None:
    """Make the change from `before` to `after` in `here`; None if both changed the same lines.

    Lines that both insert at the same place are no conflict: those of `here` come first. Texts that git takes for
    binary ones are not merged.
    """
    texts = {"here": here, "before": before, "after": after}
    size = _unused_size(texts.values())
    with tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch:
        for name, text in texts.items():
            Path(scratch, name).write_bytes(text.encode("utf-8", "surrogateescape"))
        status, merged, _ = loop_git(Path(scratch)).merge_file(
            "-p",
            "--diff3",
            f"--marker-size={size}",
            *texts,
            with_extended_output=True,
            with_exceptions=False,
            strip_newline_in_stdout=False,
            stdout_as_string=False,
        )
    return None if status > _WORST else _both_kept(merged.decode("utf-8", "surrogateescape"), size)


def _unused_size(texts: Iterable[str]) -> int:
    """Return the smallest length of a mark that begins no line of the texts, so that all such marks are git's."""
    taken = {len(run) for text in texts for run in _BEGINNING.findall(text)}
    return next(size for size in count(_SHORTEST) if size not in taken)


def _both_kept(merged: str, size: int) -> str | None:
    """Return a merge with both sides of each conflict; None if there was something before in one."""
    kept, part = list[str](), ">"
    for line in merged.split("\n"):
        mark = line[:1]
        if mark and mark in _MARKS and len(line) - len(line.lstrip(mark)) == size:
            part = mark
        elif part == "|":
            return None
        else:
            kept.append(line)
    return "\n".join(kept)


def merge_files(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Change the files of a folder as they differ between `before` and `after`, texts by their path.

    Return the files in which that conflicts with what the folder holds; these stay as they are.
    """
    conflicts: list[str] = []
    for file in sorted({*before, *after}):
        path = folder / file
        old, new = before.get(file), after.get(file)
        here = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else None
        if new in (old, here):
            continue
        text = new
        if here != old:  # a file that one of the two made or deleted cannot be merged by line
            text = None if None in (here, old, new) else merged_text(here or "", old or "", new or "")
            if text is None:
                conflicts.append(file)
                continue
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return conflicts

"""Three-way merges of texts: the change of one text, made in another that was changed elsewhere."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from agent.base.loop_git import loop_git

_MARK = 60  # characters of a mark of a conflict, more than a line of code begins with
_CONFLICT = re.compile(
    rf"^<{{{_MARK}}} .*\n(?P<here>(?s:.*?))^\|{{{_MARK}}} .*\n(?P<before>(?s:.*?))"
    rf"^={{{_MARK}}}\n(?P<after>(?s:.*?))^>{{{_MARK}}} .*\n",
    re.MULTILINE,
)


def merged_text(here: str, before: str, after: str) -> str | None:
    """Make the change from `before` to `after` in `here`; None if both changed the same lines.

    Lines that both insert at the same place are no conflict: those of `here` come first.
    """
    texts = {"here": here, "before": before, "after": after}
    with tempfile.TemporaryDirectory(prefix="stoichloop-") as scratch:
        for name, text in texts.items():
            Path(scratch, name).write_bytes(text.encode("utf-8", "surrogateescape"))
        options = ("-p", "--diff3", f"--marker-size={_MARK}")
        merged = str(
            loop_git(Path(scratch)).merge_file(*options, *texts, with_exceptions=False, strip_newline_in_stdout=False)
        )
    if any(conflict["before"] for conflict in _CONFLICT.finditer(merged)):
        return None
    return _CONFLICT.sub(lambda conflict: conflict["here"] + conflict["after"], merged)


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

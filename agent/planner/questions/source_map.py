"""The code of a state as a question shows it: a map of its files, then the whole of those that matter most.

A file is shown whole or as its line in the map, never in part: half a file invites edits of what is not there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.planner.questions.quotation import FENCE, quote
from memory.formatting import counted
from memory.records import Experiment
from stoichloop.foreign_text import shorten

# Files that most changes need, in this order, where no candidate has changed others.
_CORE = ("gnn/model.py", "gnn/loss.py", "gnn/train.py", "gnn/config.py", "gnn/layers.py", "gnn/observations.py")
_DOCSTRING = re.compile(r'\A(?:\s*#.*\n)*\s*[rR]?"""\s*(.*)')  # unreviewed source is not parsed here
_CHANGED = re.compile(r"^(?:\+\+\+ b|--- a)/(gnn/\S+)", re.MULTILINE)
_BELOW = " (below)"
_LINE = 160  # characters of a docstring's first line


@dataclass(frozen=True)
class _SourceFile:
    name: str
    text: str

    @property
    def line(self) -> str:
        """Return the line of the map, without a mark."""
        found = _DOCSTRING.match(self.text)
        about = shorten(found[1].removesuffix('"""'), _LINE) if found else "no description"
        return f"{shorten(self.name, _LINE)} ({counted(len(self.text.splitlines()), 'line')}): {about}"


def source_map(folder: Path, room: int, past: Sequence[Experiment], unused: Collection[str]) -> str:
    """Return the map of the code in a folder and the files that find room, most useful first.

    Files that earlier candidates changed matter most; `unused` ones stay lines of the map unless they were changed.
    """
    files = list(_files(folder))
    wanted = Counter(name for e in past for name in {*_CHANGED.findall(e.patch)})
    files.sort(key=lambda file: _rank(file.name))
    of_map = max(0, min(room - FENCE, sum(len(file.line) + len(_BELOW) + 1 for file in files)))
    room -= of_map + FENCE
    whole: dict[str, str] = {}
    for file in sorted(files, key=lambda file: -wanted[file.name]):  # among equals in their own order
        if file.name in unused and not wanted[file.name]:
            continue
        block = quote(file.text, len(file.text) + 1, file.name)
        if len(block) + 2 <= room:
            room -= len(block) + 2
            whole[file.name] = block
    lines = "\n".join(f"{file.line}{_BELOW if file.name in whole else ''}" for file in files)
    shown = [whole[file.name] for file in files if file.name in whole]
    return "\n\n".join([quote(lines, of_map, "map of gnn/"), *shown])


def _files(folder: Path) -> Iterator[_SourceFile]:
    for path in sorted((folder / "gnn").rglob("*.py")):
        if path.is_file() and not path.is_symlink():
            name = path.relative_to(folder).as_posix()
            yield _SourceFile(name, path.read_text(encoding="utf-8", errors="replace"))


def _rank(name: str) -> tuple[int, str]:
    """Return the place of a file, which stays the same from question to question."""
    return (_CORE.index(name) if name in _CORE else len(_CORE)), name

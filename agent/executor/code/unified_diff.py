"""Unified diffs as language models and editors write them, brought into the form that git reads as it was meant.

Mended are: line ends of Windows, a byte order mark, paths without a/ and b/, files without a `diff --git` line, new and
deleted files without a mode, blank lines after hunks. Refused is whatever git would put at another place than the diff
says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stoichloop.errors import StoichloopError
from stoichloop.foreign_text import one_line

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_PREFIX = re.compile(r"^[a-z12]/")
_BOTH = re.compile(r"diff --git (?:[a-z12]/)?(gnn/\S+) (?:[a-z12]/)?(gnn/\S+)$")
_NULL = "/dev/null"
_FORM = "write --- a/gnn/FILE, +++ b/gnn/FILE, then hunks that begin like @@ -12,3 +12,4 @@, or give edits"


class PatchRefusedError(StoichloopError):
    """A patch that cannot become an experiment; the message names the mend, in one line, whatever it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass
class _File:
    """The part of a diff that changes one file: its header lines, and its hunks with the line that begins each."""

    header: list[str] = field(default_factory=list)
    hunks: list[list[str]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the lines as git expects them."""
        return [*_headed(self.header), *(line for hunk in self.hunks for line in _ended(hunk))]


def as_git_reads(diff: str) -> str:
    """Return the diff in the form that git reads; raise `PatchRefusedError` with a mend if it is no unified diff."""
    if "\0" in diff:
        raise PatchRefusedError("the diff cannot be read: it holds a NUL character; a patch is text")
    lines = diff.removeprefix("\ufeff").removesuffix("\n").split("\n")
    if any(line.startswith("*** Begin Patch") for line in lines):
        raise PatchRefusedError(f"the diff cannot be read: *** Begin Patch is not a unified diff; {_FORM}")
    if all(line.endswith("\r") for line in lines if line.startswith(("--- ", "+++ ", "@@"))):
        lines = [line.removesuffix("\r") for line in lines]
    files = _files(lines)
    if not files:
        raise PatchRefusedError(f"the diff cannot be read: no file is named in it; {_FORM}")
    for file in files:
        _refuse_unplaced(file)
    return "".join(f"{line}\n" for file in files for line in file.lines())


def _files(lines: list[str]) -> list[_File]:
    """Split a diff into files; text around it is dropped."""
    files: list[_File] = []
    in_header = False
    for index, line in enumerate(lines):
        if line.startswith("diff --git "):
            files.append(_File([line]))
            in_header = True
        elif _begins_file(lines, index, in_hunk=bool(files and files[-1].hunks)):
            if not in_header:
                files.append(_File())
            files[-1].header.append(line)
            in_header = True
        elif files and line.startswith("@@"):
            files[-1].hunks.append([line])
            in_header = False
        elif in_header:
            files[-1].header.append(line)
        elif line == "-- " or line.startswith("```"):  # the end of a mail, or of a fence around the diff
            files.append(_File())
        elif files and files[-1].hunks:
            files[-1].hunks[-1].append(line)
    return [file for file in files if file.header]


def _begins_file(lines: list[str], index: int, *, in_hunk: bool) -> bool:
    """Return whether `---` and `+++` begin a file here; in a hunk they may be lines that it removes and adds."""
    first, second, third = (*lines[index : index + 3], "", "", "")[:3]
    return first.startswith("--- ") and second.startswith("+++ ") and (not in_hunk or third.startswith("@@"))


def _ended(hunk: list[str]) -> list[str]:
    """Return a hunk without the blank lines after it. Its first line states how many of them are its own."""
    whole = len(hunk)
    while hunk[-1] == "":
        hunk = hunk[:-1]
    counts = _HUNK.match(hunk[0])
    missing = int(counts[2] or 1) - sum(not line.startswith(("+", "\\")) for line in hunk[1:]) if counts else 0
    return [*hunk, *([" "] * missing if missing <= whole - len(hunk) else [])]


def _headed(header: list[str]) -> list[str]:
    """Return the header of one file with what git needs: both names with a prefix, and the mode of a new file."""
    names = [_name(line[4:]) for line in header if line[:4] in ("--- ", "+++ ")]
    first, extended = header[0], [line for line in header[1:] if line[:4] not in ("--- ", "+++ ")]
    if len(names) != 2:
        both = _BOTH.match(first)
        return [f"diff --git a/{both[1]} b/{both[2]}" if both else first, *header[1:]]
    if not any(line.startswith(("rename from ", "copy from ")) for line in extended):
        name = names[0] if names[1] == _NULL else names[1]
        names = [_NULL if each == _NULL else name for each in names]
    for place, mode in enumerate(("new file mode", "deleted file mode")):
        if names[place] == _NULL and not any(line.startswith(mode) for line in extended):
            extended.append(f"{mode} 100644")
    old, new = names
    first = f"diff --git a/{new if old == _NULL else old} b/{old if new == _NULL else new}"
    return [
        first,
        *extended,
        *(f"{sign} {_sided(name, side)}" for sign, name, side in (("---", old, "a"), ("+++", new, "b"))),
    ]


def _sided(name: str, side: str) -> str:
    return name if name == _NULL else f"{side}/{name}"


def _name(words: str) -> str:
    """Return the file that a `---` or `+++` line names, without its prefix, its date and git's quotes."""
    name = words.partition("\t")[0].strip()
    if name.startswith('"') and name.endswith('"'):
        try:
            name = name[1:-1].encode().decode("unicode_escape").encode("latin-1").decode()
        except UnicodeError as error:
            raise PatchRefusedError(f"the diff cannot be read: {name[:80]} is no name of a file") from error
    return name if name == _NULL else _PREFIX.sub("", name)


def _refuse_unplaced(file: _File) -> None:
    """Raise `PatchRefusedError` for a hunk whose place git would guess."""
    if any(line.startswith(("GIT binary patch", "Binary files ")) for line in file.header):
        raise PatchRefusedError("the diff changes a file that is not text; only Python files under gnn/ may be changed")
    whole = any(line.startswith(("new file mode", "deleted file mode")) for line in _headed(file.header))
    for first, *body in file.hunks:
        hunk = _HUNK.match(first)
        if hunk is None:
            raise PatchRefusedError(
                f"the diff cannot be read: '{first[:80]}' does not say which lines it changes; {_FORM}"
            )
        text = "\n".join(body).rstrip("\n").split("\n")
        context = any(line == "" or line.startswith(" ") for line in text)
        # Git takes a hunk that has no context and begins in line 1 for the whole file, any other for its end.
        if not whole and not context and int(hunk[1]) > (1 if any(line.startswith("-") for line in text) else 0):
            raise PatchRefusedError(
                f"the hunk '{first[:80]}' has no unchanged line, so its place is not certain; "
                "repeat up to three lines of the file before and after the change"
            )

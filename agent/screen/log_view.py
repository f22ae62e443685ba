"""Terminal view of the log: the text of `log.md` with colours and a margin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from rich.console import RenderableType
from rich.rule import Rule
from rich.text import Text

from agent.base.console import FittedTable
from stoichloop.foreign_text import unescaped

COLOURS = {
    "accepted": "green",
    "rejected": "dim",
    "failed": "red",
    "refused": "yellow",
    "diagnosed": "magenta",
    "open": "cyan",
}
_KINDS = {
    "established principle": "green",
    "refuted hypothesis": "magenta",
    "not confirmed": "yellow",
    "open question": "cyan",
}
_VERDICT = re.compile(r"^- verdict: \**(\w+)", re.MULTILINE)
_MOMENT = re.compile(r"- (\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ) (.*)")
_NOTE = re.compile(r"- ([a-z][^:]{0,59}): (.*)")
_MARGIN, _WIDE_MARGIN = 13, 20  # columns of the margin: the kind of a note, or its time


def log_view(markdown: str, searched: str = "") -> Iterator[RenderableType]:
    """Yield the views of a text rendered from the ledger, piece by piece, so that a long log starts at once.

    Occurrences of `searched` are highlighted, ignoring case.
    """
    lines = [line for line in markdown.splitlines() if line.strip()]
    # An entry's heading shows its verdict, which is written below it.
    entries = re.split(r"(?m)^### ", markdown)[1:]
    verdicts = {entry.split(maxsplit=1)[0]: found[1] for entry in entries if (found := _VERDICT.search(entry))}
    for noted, group in groupby(lines, key=lambda line: line.startswith("- ")):
        if noted:
            yield _notes(list(group), searched)
        else:
            for line in group:
                yield from _heading_or_words(line, verdicts, searched)


def _heading_or_words(line: str, verdicts: dict[str, str], searched: str) -> Iterator[RenderableType]:
    level, _, words = line.partition(" ")
    if level == "###":
        verdict = verdicts.get(words, "open")
        yield Text.assemble("\n", (words, "bold"), "  ", (f"● {verdict}", COLOURS.get(verdict, "")))
    elif level == "##":
        yield Text()
        yield Rule(Text(unescaped(words), style="bold"), align="left", characters="─", style="dim")
    elif level == "#":
        yield Text(unescaped(words), style="bold underline")
    else:
        yield _found(Text(unescaped(line), style="italic"), searched)


def _notes(lines: list[str], searched: str) -> RenderableType:
    """Return notes as a table, with the kind or the time of each in the margin."""
    table = FittedTable.grid(padding=(0, 1), expand=True)
    table.add_column(width=_WIDE_MARGIN if _MOMENT.fullmatch(lines[0]) else _MARGIN, justify="right")
    table.add_column(ratio=1, overflow="fold")
    for line in lines:
        if at := _MOMENT.fullmatch(line):
            table.add_row(Text(at[1], style="dim"), _found(Text(unescaped(at[2])), searched))
        elif note := _NOTE.fullmatch(line):
            label = note[1].rpartition("trial ")[2].partition("/")  # the entry says which experiment's it is
            table.add_row(Text(label[2] or label[0], style=_kind(note[1])), _found(_words(*note.groups()), searched))
        else:
            table.add_row("", _found(Text(unescaped(line.removeprefix("- "))), searched))
    return table


def _kind(label: str) -> str:
    return next((colour for kind, colour in _KINDS.items() if label.endswith(kind)), "dim")


def _words(label: str, words: str) -> Text:
    if label == "verdict":
        verdict = words.strip("*").split("*")[0]
        text = Text(unescaped(words.replace("**", "")))
        text.stylize(f"bold {COLOURS.get(verdict, '')}", 0, len(verdict))
        return text
    return Text(unescaped(words), style={"title": "bold", "planner": "dim"}.get(label, ""))


def _found(text: Text, searched: str) -> Text:
    if searched:
        text.highlight_regex(re.compile(re.escape(searched), re.IGNORECASE), "reverse")
    return text

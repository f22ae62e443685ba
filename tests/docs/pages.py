"""The steps of a page of the documentation, in order, and the names that it mentions.

An indented block holds commands, one a line. A fenced block is anything else, and says what:

text            something to read: output, an equation, a tree
diff            a change that the reader makes
python          a program that the reader runs
LANGUAGE FILE   a file that the reader writes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT

# What a campaign has written, like docs/campaigns/pde_m1/memory.md, is no page.
PAGES = sorted(
    [*ROOT.glob("*.md")]
    + [page for pattern in ("*.md", "*/README.md", "notes/*.md") for page in (ROOT / "docs").glob(pattern)]
)
_COMMENT = re.compile(r"(^|\s)#(\s.*)?$")
_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True)
class Step:
    """One thing to be done. `kind` is `command`, `diff`, `python` or `file`; `file` is the path of the last."""

    kind: str
    place: str
    content: str
    file: str = ""


def steps(page: Path) -> Iterator[Step]:
    """Return all steps, in order; raises `ValueError` for a block without a language."""
    for token in _tokens(page):
        place = _place(page, token)
        if token.type == "code_block":
            for line in _CONTINUED.sub(" ", token.content).splitlines():
                if command := _COMMENT.sub("", line).strip():
                    yield Step("command", place, command)
        if token.type == "fence":
            language, _, file = token.info.strip().partition(" ")
            if file:
                yield Step("file", place, token.content, file)
            elif language in ("diff", "python"):
                yield Step(language, place, token.content)
            elif language != "text":
                raise ValueError(
                    f"{place}: a fenced block is text, diff, python or LANGUAGE FILE, not '{token.info}'; "
                    "commands stand in an indented block"
                )


def mentions(page: Path) -> list[tuple[str, str]]:
    """Place and content of all that stands between backticks in a sentence or a table."""
    return [(place, " ".join(part.content.split())) for place, part in _parts(page) if part.type == "code_inline"]


def prose(page: Path) -> list[tuple[str, str]]:
    """Place and content of all that stands in a sentence or a table without backticks."""
    return [(place, part.content) for place, part in _parts(page) if part.type == "text"]


def links(page: Path) -> list[tuple[str, str]]:
    """Place and target of every link and picture that leads to another file of this repository."""
    parts = [(place, part.attrs) for place, part in _parts(page) if part.type in ("link_open", "image")]
    targets = [(place, str(attributes.get("href") or attributes.get("src"))) for place, attributes in parts]
    return [(place, target) for place, target in targets if not re.match(r"[a-z]+:|#", target)]


def _parts(page: Path) -> Iterator[tuple[str, Token]]:
    """Place and content of what sentences and tables are made of."""
    for token in _tokens(page):
        yield from ((_place(page, token), part) for part in token.children or ())


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def _place(page: Path, token: Token) -> str:
    name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page.name
    return f"{name}:{token.map[0] + 1}" if token.map else str(name)

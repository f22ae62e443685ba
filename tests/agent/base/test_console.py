"""Text of others in a terminal."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.base.console import Console, FittedBar, FittedTable
from tests.conftest import ROOT
from tests.hostile_texts import HOSTILE

STYLES = re.compile(r"\x1b\[[\d;]*m")


def printed(renderable: object, width: int = 30_000) -> str:
    """Return what a terminal gets, without the styles."""
    screen = StringIO()
    Console(file=screen, force_terminal=True, width=width).print(renderable)
    return STYLES.sub("", screen.getvalue())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_terminal_is_told_nothing_but_styles(text: str) -> None:
    table = Table("name", box=None)
    table.add_row(text)
    table.add_row(Text(text, style="bold"))
    for renderable in (text, Text(text), table, Panel(Text(text), title=Text(text)), Group(text, table)):
        for width in (80, 30_000):
            shown = printed(renderable, width)
            assert re.sub(r"[\n ]", "", shown).isprintable()


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/nope]", "[link=http://evil]y[/link]", ":rocket:", "[atp]"])
def test_brackets_and_colons_are_no_markup(text: str) -> None:
    table = Table(box=None, show_header=False)
    table.add_row(text)
    assert printed(text).strip() == text
    assert printed(table).strip() == text
    with Console(file=StringIO(), force_terminal=True).working(text):
        pass


def test_there_is_no_other_way_to_the_terminal() -> None:
    ways = re.compile(r"rich\.console import .*\bConsole\b|^\s*print\(|markup\.escape", re.MULTILINE)
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "agent").rglob("*.py")
        if ways.search(path.read_text(encoding="utf-8"))
    }
    assert found == {
        "agent/cli/main.py",  # the version
        "agent/cli/output.py",
        "agent/executor/code/source_policy.py",  # runs in the sandbox
        "agent/executor/sandbox/probe_program.py",  # runs in the sandbox
        "agent/screen/status_view.py",  # a parameter of rich's
    }


def test_a_pipe_gets_whole_lines_without_blanks_at_their_ends() -> None:
    table = FittedTable(expand=True, box=None, show_header=False)
    table.add_row("a", "x" * 5000)
    table.add_row("b", "")
    pipe = Console(file=StringIO())
    with pipe.capture() as captured:
        pipe.print(table)
    assert captured.get() == f" a  {'x' * 5000}\n b\n"
    pipe.print(FittedBar(total=2, completed=1), "y")
    assert isinstance(pipe.file, StringIO)
    assert max(map(len, pipe.file.getvalue().splitlines())) <= 24

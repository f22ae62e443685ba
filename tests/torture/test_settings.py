"""One campaign under settings of git and of the locale: each must write the ledger of the campaign without any."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.torture.campaigns import Course, Night

pytestmark = pytest.mark.torture

# It answers nothing on the sweep, so that the campaign goes on to code at once.
PROGRAM = """
import json, pathlib, sys
if "Change the code: give" not in sys.stdin.buffer.read().decode():
    sys.exit(1)
count = pathlib.Path(sys.argv[1])
answered = len(count.read_bytes()) if count.exists() else 0
count.write_bytes(b"." * (answered + 1))
beside = '    depth: int = integer(2, 1, 3, "hidden layers in both functions")\\n'
edits = [
    [
        {"file": "gnn/scratch_layer.py", "search": "", "replace": "SIZE = 3  # größer\\n"},
        {"file": "gnn/config.py", "search": beside, "replace": beside + beside.replace("depth", "idle")},
    ],
    [{"file": "gnn/config.py", "search": beside, "replace": beside.replace("hidden", "verborgene")}],
][answered % 2]
print(json.dumps({"hypothesis": f"größer, {answered}", "edits": edits}))
"""


@dataclass(frozen=True)
class Machine:
    """Settings of a user's: lines of .git/config, of .git/info/attributes, of ~/.gitconfig; variables."""

    config: str = ""
    attributes: str = ""
    home: str = ""
    environment: dict[str, str] = field(default_factory=dict)


LATIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MACHINES = {
    "colours": Machine("[color]\n\tui = always\n\tgrep = always\n"),
    "no prefix": Machine("[diff]\n\tnoprefix = true\n"),
    "no context": Machine("[diff]\n\tcontext = 0\n\tinterHunkContext = 9\n"),
    "other prefixes": Machine("[diff]\n\tmnemonicPrefix = true\n\tsrcPrefix = x/\n"),
    "order of files": Machine("[diff]\n\torderFile = /nonexistent\n"),
    "external diff": Machine("[diff]\n\texternal = /bin/false\n\talgorithm = patience\n\trenames = copies\n"),
    "textconv": Machine('[diff "shout"]\n\ttextconv = tr a-z A-Z <\n', "*.py diff=shout\n"),
    "no text": Machine(attributes="*.json -diff\n*.py binary\n"),
    "encoding": Machine(attributes="*.py working-tree-encoding=UTF-16\n"),
    "filter": Machine('[filter "x"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n', "*.py filter=x -merge\n"),
    "whitespace": Machine("[apply]\n\twhitespace = error\n[core]\n\twhitespace = tab-in-indent\n"),
    "line ends": Machine("[core]\n\tautocrlf = true\n\tsafecrlf = true\n", "* text=auto eol=crlf\n"),
    "ignored": Machine(home="[core]\n\texcludesFile = ~/ignore\n"),
    "messages": Machine(
        "[trailer]\n\tseparators = =\n[i18n]\n\tcommitEncoding = ISO-8859-1\n\tlogOutputEncoding = UTF-16\n"
        "[core]\n\tcommentChar = E\n[commit]\n\tcleanup = scissors\n"
    ),
    "signed and hooked": Machine(
        "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /bin/false\n[core]\n\thooksPath = /nonexistent\n"
        "\tfsmonitor = /bin/false\n[gc]\n\tauto = 1\n"
    ),
    "variables": Machine(
        environment={
            "GIT_CONFIG_COUNT": "",
            "GIT_CONFIG_PARAMETERS": "'color.ui=always' 'diff.noprefix=true'",
            "GIT_DIFF_OPTS": "-u0",
            "GIT_EXTERNAL_DIFF": "/bin/false",
            "GIT_AUTHOR_DATE": "x",
            "GIT_TRACE": "1",
        }
    ),
    "pathspecs": Machine(environment={"GIT_LITERAL_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1"}),
    "inside a hook": Machine(environment={"GIT_DIR": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent/index"}),
    "ascii": Machine(environment=LATIN),
    "latin-1 terminal": Machine(environment={**LATIN, "PYTHONIOENCODING": "latin-1", "TZ": "Asia/Tokyo"}),
    "turkish": Machine(environment={"LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr", "POSIXLY_CORRECT": "1"}),
}


def night_with(night_of: Callable[..., Night], place: Path) -> Night:
    """The campaign of a program that always gives the same answers."""
    (place / "agent.py").write_text(PROGRAM)
    program = shlex.join([sys.executable, str(place / "agent.py"), str(place / "count")])
    return night_of("--planner", "command", "--program", program, "--experiments", "2", "--budget", "2h", under=place)


def ledger_of(night: Night) -> list[dict[str, Any]]:
    """All that the ledger says of experiments, without times, paths and the hashes that hold a time."""
    known = zip(night.course(), night.experiments(), strict=True)
    return [{**course, "fingerprint": e.fingerprint, "role": e.role, "changes": e.changes} for course, e in known]


@pytest.fixture(scope="module")
def expected() -> list[Course]:
    """The ledger of the campaign under no settings, once the first test has made it."""
    return []


@pytest.mark.parametrize("name", ["none", *MACHINES])
def test_a_campaign_has_the_same_ledger_on_every_machine(
    name: str, night_of: Callable[..., Night], expected: list[Course], tmp_path: Path
) -> None:
    night, machine, root = night_with(night_of, tmp_path), MACHINES.get(name, Machine()), tmp_path / "clone"
    with (root / ".git" / "config").open("a") as config:
        config.write(machine.config)
    (root / ".git" / "info" / "attributes").write_text(machine.attributes)
    (tmp_path / "ignore").write_text("scratch*\n*.py\n")
    (tmp_path / ".gitconfig").write_text(machine.home)
    night.environment.update({"HOME": str(tmp_path), **machine.environment})
    night.start()
    status, said = night.end()
    assert status == 0, said
    ledger = ledger_of(night)
    if not expected:
        assert any("scratch_layer" in e["patch"] for e in ledger)
        expected.append(ledger)
    assert ledger == expected[0]
    night.check_end(night.course())

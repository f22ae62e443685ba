"""One campaign under settings of git and of the locale: each must write the ledger of the campaign without any."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.torture.campaigns import Course, Night

pytestmark = pytest.mark.torture

# Code that is quick to run: what is compared is what becomes of it in git and in the ledger.
CONFIG = """
import json
import sys
from pathlib import Path

FIELDS = {
    "depth": {"value": 2, "kind": "int", "doc": "hidden layers", "low": 1, "high": 3},
}
given = json.load(sys.stdin) if "--resolve" in sys.argv else {}
chosen = json.loads(Path("gnn/configuration.json").read_text()) | given
if unknown := chosen.keys() - FIELDS.keys():
    sys.exit(f"key '{min(unknown)}' is not a field")
for name, value in chosen.items():
    FIELDS[name]["value"] = value
print(json.dumps({name: field["value"] for name, field in FIELDS.items()} if "--resolve" in sys.argv else FIELDS))
"""
TRAIN = """
import sys
from pathlib import Path

import numpy as np

given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with np.load(given["--observations"]) as known:
    role, reactions, alphabet = known["role"], int(known["n_reactions"]), known["alphabet"]
draw = np.random.default_rng(int(given["--seed"]))
grid = np.linspace(0.0, 3.0, 5)
np.savez(
    Path(given["--out"]) / "estimate.npz",
    sto_all=np.where(role > 0, 1.0, -1.0) * draw.choice(alphabet, len(role)),
    log_k=np.zeros(reactions),
    substrate_func_c=grid,
    substrate_func_s=grid,
    substrate_func=np.ones((5, 5)),
    rate_func_h=grid,
    rate_func=grid,
)
"""
PROGRAM = """
import json, pathlib, sys
sys.stdin.buffer.read()
count = pathlib.Path(sys.argv[1])
answered = len(count.read_bytes()) if count.exists() else 0
count.write_bytes(b"." * (answered + 1))
field = '    "depth": {"value": 2, "kind": "int", "doc": "hidden layers", "low": 1, "high": 3},\\n'
edits = [
    [
        {"file": "gnn/scratch_layer.py", "search": "", "replace": "SIZE = 3  # größer\\n"},
        {"file": "gnn/config.py", "search": field, "replace": field + field.replace("depth", "idle")},
    ],
    [{"file": "gnn/config.py", "search": "import sys\\n", "replace": "import sys  # größer\\n"}],
    [{"file": "gnn/config.py", "search": '"low": 1', "replace": '"low": 2'}],
][answered % 3]
print(json.dumps({"hypothesis": f"größer, {answered}", "edits": edits}))
"""


Proposals = list[tuple[object, ...]]


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
    night = night_of("--planner", "command", "--program", program, "--experiments", "3", "--budget", "2h", under=place)
    code = night.workspace.root / "gnn"
    shutil.rmtree(code)
    code.mkdir()
    for file, text in {"__init__": "", "config": CONFIG, "train": TRAIN}.items():
        (code / f"{file}.py").write_text(text)
    (code / "configuration.json").write_text("{}\n")
    night.workspace.repo.git.add("--all")
    night.workspace.repo.git.commit("--message=code that is quick to run")
    return night


def proposals_of(night: Night) -> Proposals:
    """What the ledger says of each experiment, but for the order of its trials, times, and hashes that hold a time."""
    return [
        (e.id, e.hypothesis, e.fingerprint, e.role, e.changes, e.patch, e.verdict and e.verdict.verdict)
        for e in night.experiments()
    ]


@pytest.fixture(scope="module")
def expected() -> list[tuple[Course, Proposals]]:
    """The course and the proposals of the campaign under no settings, once the first test has made it."""
    return []


@pytest.mark.parametrize("name", ["none", *MACHINES])
def test_a_campaign_has_the_same_ledger_on_every_machine(
    name: str, night_of: Callable[..., Night], expected: list[tuple[Course, Proposals]], tmp_path: Path
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
    proposals = proposals_of(night)
    if not expected:
        assert any("scratch_layer" in e.patch for e in night.experiments())
        expected.append((night.course(), proposals))
    assert proposals == expected[0][1]
    night.check_end(expected[0][0])

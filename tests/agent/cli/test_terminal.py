"""Output in a terminal and in a pipe, tab completion, and exit statuses."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agent.campaign.campaign_state import read_state
from agent.campaign.status import Line, Running, Status
from agent.campaign.utilisation import Utilisation
from agent.screen.log_view import log_view
from agent.screen.status_view import status_view
from memory.leaderboard import LEADERBOARD_LENGTH
from memory.ledger import Ledger
from memory.render import Log
from tests.conftest import ROOT, Command, Documented, command_line
from tests.warm import run_warm

COLOUR = re.compile(r"\x1b\[(?:\d+;)*[39][0-8](?:;\d+)*m")
BUSY = Utilisation(0.95, {"between two trials": 0.05}, 9.0)
READING = (["status"], ["log"], ["log", "--search", "e0002"], ["show", "e0002"], ["winners"], ["--help"])


def in_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """Return what a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        command_line(*arguments),
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**variables, "TERM": "xterm-256color", "PAGER": "cat", **environment},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return written.decode()


def piped(folder: Path, *arguments: str) -> str:
    done = run_warm("agent.cli", arguments, folder, os.environ, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_pipe_gets_no_escape_codes(documented: Documented, arguments: list[str]) -> None:
    assert "\x1b" not in piped(documented.workspace.root, *arguments)


def test_a_terminal_gets_colours_unless_they_are_not_wanted(documented: Documented) -> None:
    folder = documented.workspace.root
    for arguments in (["status"], ["log"], ["show", "e0002", "--diff"]):
        assert COLOUR.search(in_terminal(folder, *arguments))
    assert not COLOUR.search(in_terminal(folder, "log", NO_COLOR="1"))


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_output_that_cannot_take_a_character_gets_another(
    documented: Documented, arguments: list[str], encoding: str
) -> None:
    done = subprocess.run(
        command_line(*arguments),
        cwd=documented.workspace.root,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("away", "status", "said"),
    [
        (">/dev/full", 1, "stoichloop: OSError: [Errno 28] No space left on device\n"),
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("| head -n 1", 0, ""),
    ],
)
def test_output_that_gets_nowhere_costs_a_sentence_at_most(away: str, status: int, said: str) -> None:
    command = f"{shlex.join(command_line('regimes'))} {away}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, said)


@pytest.mark.parametrize(("wishes", "escapes"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["forced", "neither"])
def test_no_colour_beats_forced_colour(documented: Documented, wishes: dict[str, str], escapes: bool) -> None:
    folder, environment = documented.workspace.root, {**os.environ, "FORCE_COLOR": "1", **wishes}
    done = subprocess.run(command_line("status"), cwd=folder, env=environment, capture_output=True, check=True)
    assert (b"\x1b" in done.stdout) == escapes


def test_a_path_in_show_is_one_word_of_a_line(documented: Documented) -> None:
    shown = piped(documented.workspace.root, "show", "e0002")
    with Ledger(documented.campaign.ledger_path, readonly=True) as ledger:
        (experiment,) = ledger.these(["e0002"])
    for trial in experiment.trials:
        assert str(documented.campaign.folder / trial.folder) in shown.splitlines()


def test_an_experiment_fits_its_terminal(documented: Documented) -> None:
    lines = COLOUR.sub("", in_terminal(documented.workspace.root, "show", "e0001")).splitlines()
    assert [line for line in lines if "s0/probe" in line and line.rstrip()[-1].isdigit()]


def test_the_log_in_a_terminal_says_what_the_log_says(documented: Documented) -> None:
    campaign = documented.campaign
    with Ledger(campaign.ledger_path, readonly=True) as ledger:
        markdown = Log(ledger).text(read_state(campaign, ledger, ledger.outlines(campaign.settings.fidelity)))
    assert piped(documented.workspace.root, "log").strip() == markdown.strip()
    screen = Console(file=StringIO(), width=80, force_terminal=False)
    for part in log_view(markdown, "e0001"):
        screen.print(part)
    assert isinstance(screen.file, StringIO)
    shown = screen.file.getvalue()
    assert max(len(line) for line in shown.splitlines()) <= 80
    words = set(re.findall(r"\w+", shown))
    assert not {word for word in re.findall(r"\w+", markdown) if word not in words and len(word) < 12} - {"trial"}


def test_a_long_log_in_a_terminal_goes_through_the_pager(documented: Documented, tmp_path: Path) -> None:
    told = in_terminal(documented.workspace.root, "log", PAGER=f"tee {tmp_path}/paged")
    assert "e0001" in told
    assert "e0001" in (tmp_path / "paged").read_text()


def a_status(experiments: int, trials: int) -> Status:
    line = Line(
        experiment="e0001",
        score=0.5,
        standard_error=0.01,
        seeds=4,
        verdict="accepted",
        title="a wider layer " * 20,
    )
    return Status(
        campaign="night",
        regime="pde_m1",
        fidelity="full",
        objective="exact",
        state="running" if trials > 0 else "crashed: OSError: the disk went away " * 5,
        next_commands=("stoichloop explore pde_m1 --campaign night", "stoichloop log night"),
        running=trials > 0,
        rung="sweep",
        why="a configuration is cheaper to try than code " * 5,
        incumbent=line,
        baseline=line,
        noise=0.01,
        leaderboard=[line] * LEADERBOARD_LENGTH,
        verdicts={"accepted": 1, "rejected": experiments - 1},
        experiments=experiments,
        trials=4 * experiments,
        history=[0.5 + 0.4 * (index * 7 % 11) / 11 for index in range(experiments)],
        best=[0.5] * experiments,
        now=[Running(trial=f"e0009/s{n}/full", step=n, steps=90, seconds=5.0, loss=0.1) for n in range(trials)],
        spent_s=3600.0,
        budget_s=8 * 3600.0,
        left_s=7 * 3600.0,
        experiments_granted=None,
        experiments_judged=experiments,
        events=["controller started " * 20] * 3,
    )


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50)])
@pytest.mark.parametrize(("experiments", "trials"), [(1, 0), (30, 2), (5000, 64)])
def test_the_picture_fits_its_screen(width: int, height: int, experiments: int, trials: int) -> None:
    screen = Console(width=width, height=height, file=StringIO())
    lines = screen.render_lines(status_view(a_status(experiments, trials), height), pad=False)
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert len(lines) <= height
    assert max(map(len, texts)) <= width
    assert any("incumbent" in text for text in texts)
    assert any("e0001" in text and "accepted" in text for text in texts)
    assert any("title; accepted, then by score" in text for text in texts)


def drawn(**changes: Any) -> str:
    screen = Console(width=100, height=24, file=StringIO())
    lines = screen.render_lines(status_view(a_status(3, 0).model_copy(update=changes), 24), pad=False)
    return "\n".join("".join(segment.text for segment in line) for line in lines)


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"experiments_granted": 3}, "no experiments left", "7 h 00 min left"),
        ({"experiments_granted": 4}, "7 h 00 min left", "no experiments left"),
        ({"noise": None}, "seed noise not measured yet", "0.0000"),
        ({"state": "finished: solved", "running": False}, "○ finished", "a configuration is cheaper to try"),
        ({"state": "running", "running": True}, "a configuration is cheaper to try", "○"),
        ({"utilisation": BUSY, "utilisation_session": BUSY}, "full trials an hour", "all sessions"),
        ({"utilisation": Utilisation(0.5, {}, 9.0), "utilisation_session": BUSY}, "; all sessions 50 %", "95 %; all"),
    ],
)
def test_the_picture_says_nothing_that_is_over_or_unknown(changes: Any, said: str, unsaid: str) -> None:
    assert said in drawn(**changes)
    assert unsaid not in drawn(**changes)


def test_what_was_accepted_is_seen_among_thousands_that_were_not() -> None:
    status = a_status(5000, 0)
    best = [*[0.5] * 2500, *[0.9] * 2500]  # one more was accepted in the middle, with a score that others have too
    status = status.model_copy(update={"history": [0.9 if index % 3 else 0.5 for index in range(5000)], "best": best})
    screen = Console(width=80, height=24, file=StringIO(), force_terminal=True)
    cells = [part for line in screen.render_lines(status_view(status, 24), pad=False) for part in line]
    assert sum(part.text == "◆" and str(part.style) == "bold green" for part in cells) == 2


def test_a_second_screen_goes_on_until_it_is_interrupted(documented: Documented) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line("status", "--watch"),
        cwd=documented.workspace.root,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    while b"e0001" not in shown:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    os.close(ours)


def completed(documented: Documented, line: str) -> list[str]:
    """Return the words that tab completion offers at the end of a line."""
    done = subprocess.run(
        [Path(sys.executable).parent / "stoichloop"],
        cwd=documented.workspace.root,
        env={
            **os.environ,
            "_STOICHLOOP_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(line.count(" ")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("stoichloop train ecoli", ["ecoli_core"]),
        ("stoichloop log n", ["night"]),
        ("stoichloop forget n", ["night"]),
        ("stoichloop show e", ["e0001", "e0002"]),
        ("stoichloop explore pde_m1_tiny --campaign n", ["night"]),
        ("stoichloop show --campaign absent e", []),
        ("stoichloop exp", ["explore", "export"]),
    ],
)
def test_a_shell_completes_what_is_there(documented: Documented, line: str, offered: list[str]) -> None:
    assert completed(documented, line) == offered


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["regimes"], 0),
        (["status", "absent"], 1),
        (["status", "--watch"], 1),
        (["frobnicate"], 2),
        (["train"], 2),
        (["train", "pde_m1_tiny", "--seed", "-1"], 2),
    ],
)
def test_commands_end_with_the_documented_status(documented: Documented, arguments: list[str], status: int) -> None:
    done = run_warm("agent.cli", arguments, documented.workspace.root, os.environ, timeout=60)
    assert done.returncode == status
    assert (done.stderr == "") == (status == 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_training_that_is_interrupted_says_so_and_keeps_nothing(
    documented: Documented, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["train", "pde_m1_tiny", "--steps", "1000000", "--out", str(tmp_path / "kept")]
    process = subprocess.Popen(
        command_line(*arguments), cwd=documented.workspace.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while process.poll() is None and not list(tmp_path.glob(".stoichloop-*/trial/stdout.txt")):
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_exit_statuses(stoichloop: Command) -> None:
    help_text = " ".join(stoichloop("--help").stdout.split())
    assert "0 success; 1 failure, with one sentence on standard error; 2 wrong usage; 130 interrupted" in help_text

"""Files, links and commands with options that pages mention exist."""

from __future__ import annotations

import re
import shlex
from inspect import isfunction
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.cli.main import app
from benchmarks import __main__ as benchmarks
from tests.conftest import ROOT
from tests.docs.pages import PAGES, links, mentions, prose, steps

FOLDERS = (
    "agent/",
    "benchmarks/",
    "docs/",
    "gnn/",
    "memory/",
    "moves/",
    "prompts/",
    "recipes/",
    "simulator/",
    "stoichloop/",
    "tests/",
)
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def benchmarks_app() -> typer.Typer:
    """Return the app that `python -m benchmarks` runs."""
    found = typer.Typer()
    for name, function in vars(benchmarks).items():
        if isfunction(function) and name != "run_commands":
            found.command()(function)
    return found


APPS = {"stoichloop": app, "python -m benchmarks": benchmarks_app()}


def complaint(command: str) -> str | None:
    """Return why a command cannot be given, None if it can be or is not ours. Values are not checked."""
    for name, known in APPS.items():
        if command.startswith(f"{name} "):
            done = CliRunner().invoke(known, [*shlex.split(command.removeprefix(name)), "--help"])
            return done.output if done.exit_code else None
    return None


@by_page
def test_commands_that_are_named_or_to_be_run_have_the_options_that_they_are_given(page: Path) -> None:
    written = mentions(page) + [(step.place, step.content) for step in steps(page) if step.kind == "command"]
    for place, command in written:
        assert complaint(command) is None, f"{place}: {command}\n{complaint(command)}"


@by_page
def test_no_command_hides_in_a_sentence(page: Path) -> None:
    for place, words in prose(page):
        assert not re.search(r"(^|\s)--[a-z]", words), f"{place}: a command stands in a block or between backticks"


@by_page
def test_files_that_are_named_or_linked_are_there(page: Path) -> None:
    written = {step.file for step in steps(page)}
    for place, name in mentions(page):
        if name.startswith(FOLDERS) and re.fullmatch(r"[a-z0-9_./-]+", name):  # REGIME and the like stand for others
            assert name in written or (ROOT / name).exists(), f"{place}: there is no {name}"
    for place, target in links(page):
        assert (page.parent / target.partition("#")[0]).exists(), f"{place}: {target} leads nowhere"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("overnight", "`make test` and your own programs run it with your permissions, outside the sandbox"),
        ("safety", "an import in a notebook or `python -m gnn.train` runs it with your permissions"),
        ("safety", "With `--no-sandbox` a patch runs with your permissions"),
        ("planners", "The program runs outside the sandbox, with your environment"),
        ("steering", "It runs in a shell, with all your permissions"),
    ],
)
def test_pages_say_what_runs_outside_the_sandbox(page: str, words: str) -> None:
    assert words in " ".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").split())


def test_an_option_that_there_is_not_is_found_out() -> None:
    assert complaint("stoichloop data REGIME --sibling 1") is None
    assert "--cousin" in (complaint("stoichloop data REGIME --cousin 1") or "")
    assert "nothing" in (complaint("python -m benchmarks nothing") or "")

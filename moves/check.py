"""Checks of a move's code as it stands once applied, by the tools that check the rest of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agent.executor.code.scratch import scratch_copy
from agent.executor.sandbox.environment import trial_environment
from agent.planner.move_catalogue import MOVES, apply, read_moves, with_requirements
from stoichloop.errors import StoichloopError

ROOT = Path(__file__).parent.parent
CHECKS = ("lint", "types", "tests")
_SETTINGS = str(ROOT / "pyproject.toml")


@contextmanager
def assembled(name: str, catalogue: Path = MOVES) -> Iterator[Path]:
    """Yield a scratch folder with today's `gnn/`, the move and what it requires applied, and the move's `tests/`.

    Raises `StoichloopError` if a move does not apply, or removes a file that is not there.
    """
    moves = read_moves(with_requirements(name, catalogue), catalogue)
    gone = {file for move in moves[:-1] for file in move.description.removes}
    for file in moves[-1].description.removes:
        if file not in gone and not (ROOT / "gnn" / file).is_file():
            raise StoichloopError(f"move '{name}' removes gnn/{file}, which today's code does not have")
    with scratch_copy(ROOT) as folder:
        apply(moves, folder)
        tests = moves[-1].folder / "tests"
        if tests.is_dir():
            shutil.copytree(tests, folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        yield folder


def complaints(folder: Path, checks: Sequence[str] = CHECKS) -> str:
    """Return the output of every check of an assembled move that fails; empty if all pass."""
    parts = ["gnn", *(["tests"] if (folder / "tests").is_dir() else [])]
    commands = [command for check in checks for command in _commands(check, parts)]
    return "".join(_output(command, folder) for command in commands)


def _commands(check: str, parts: Sequence[str]) -> list[list[str]]:
    """Return the commands of a check, to be run in the folder of the assembled move."""
    if check == "lint":
        return [
            ["ruff", *what, "--config", _SETTINGS, "--no-cache", *parts] for what in (["check"], ["format", "--check"])
        ]
    if check == "types":
        packages = [option for part in parts for option in ("--package", part)]
        # A cache of its own: in the project's, these modules would take the place of those of gnn/.
        return [["mypy", "--config-file", _SETTINGS, "--cache-dir", str(ROOT / ".mypy_cache" / "moves"), *packages]]
    if "tests" not in parts:
        return []
    return [["pytest", "--config-file", _SETTINGS, "--rootdir", ".", "-p", "no:cacheprovider", "tests"]]


def _output(command: Sequence[str], folder: Path) -> str:
    """Run a tool of this Python; return what it printed if it failed."""
    environment = {**trial_environment(), "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return f"{' '.join(command)}\n{done.stdout}{done.stderr}" if done.returncode else ""

"""Names of modules, functions and folders that stand in strings: no type checker sees when one of them is renamed."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from agent import cli
from agent.cli.completion import complete_regime
from agent.executor.cluster import supervisor
from agent.executor.cluster.messages import RemoteFunction
from agent.executor.cluster.workers import BROKER
from agent.planner import planners
from agent.planner.move_catalogue import MOVES
from agent.planner.registry import planner_names
from tests.conftest import ROOT

PACKAGES = ("agent", "benchmarks", "gnn", "memory", "simulator", "stoichloop")
SOURCES = [*(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "tests" / "conftest.py"]
# Without memory: memory.md and memory.db are files of a campaign, memory.max is one of the kernel's.
DOTTED = re.compile(rf"({'|'.join(set(PACKAGES) - {'memory'})})(\.[a-z_]+)+")
IMPORT = re.compile(r"from ([\w.]+) import (\w+)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def strings(path: Path) -> Iterator[str]:
    """Yield all strings of a source file, docstrings among them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_that_a_string_names_is_there(path: Path) -> None:
    for text in strings(path):
        if DOTTED.fullmatch(text):
            assert find_spec(text) is not None, text
        for module, name in IMPORT.findall(text):
            if module.partition(".")[0] in PACKAGES:
                assert hasattr(import_module(module), name), text


def test_a_module_that_is_not_there_would_be_found_out() -> None:
    assert DOTTED.fullmatch("agent.cluster.broker")
    assert IMPORT.search("from agent.cli.main import main; main()")


@pytest.mark.parametrize("place", PROJECT["project"]["scripts"].values())
def test_a_command_of_the_project_is_a_function(place: str) -> None:
    module, _, function = place.partition(":")
    assert callable(getattr(import_module(module), function))


def test_what_is_run_by_its_name_can_be_run() -> None:
    assert find_spec(f"{cli.__name__}.__main__") is not None
    assert find_spec("benchmarks.__main__") is not None
    assert find_spec(BROKER) is not None


def test_every_planner_can_be_made() -> None:
    assert {"auto", "sweep"} <= set(planner_names())
    assert all(callable(import_module(f"{planners.__name__}.{name}").create) for name in planner_names())


def test_the_functions_that_a_worker_may_be_asked_for_are_those_that_the_broker_knows() -> None:
    assert all(callable(getattr(supervisor, name)) for name in get_args(RemoteFunction))
    broker = pytest.importorskip("parsl") and import_module(BROKER)
    assert set(broker._FUNCTIONS) == set(get_args(RemoteFunction))


def test_the_folders_that_are_found_from_a_module_are_there() -> None:
    assert list(MOVES.glob("*/move.yaml"))
    assert [offer for offer, _ in complete_regime("pde_m1_t")] == ["pde_m1_tiny"]


def test_the_templates_that_are_asked_for_are_the_templates_that_there_are() -> None:
    asked = {text for path in SOURCES for text in strings(path) if re.fullmatch(r"\w+\.md\.j2", text)}
    included = {name for path in there("prompts") for name in re.findall(r"\w+\.md\.j2", path.read_text())}
    assert asked | included == {path.name for folder in ("prompts", "memory/templates") for path in there(folder)}


def there(folder: str) -> list[Path]:
    """Return the templates in a folder."""
    return list((ROOT / folder).glob("*.j2"))

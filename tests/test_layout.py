"""Layout of the source tree: one file per concept, one class per name, files of moderate length."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Trees under moves/ are copies of gnn/ with a change, so they are not counted.
PACKAGES = ("agent", "benchmarks", "gnn", "memory", "simulator", "stoichloop")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
LONGEST = 400

REPEATED_FILES = {
    "__init__.py": "required in each package",
    "__main__.py": "required where `python -m` runs a package",
    "estimate.py": "gnn/ writes the estimate of a trial, agent/analyzer/scoring/ validates it",
}
REPEATED_CLASSES = {
    "Graph": "tensors in gnn, arrays in simulator: two sides of a process boundary",
    "Constraints": "read in gnn, written in simulator: two sides of a process boundary",
}


def repeated(named: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    """Return each name that two or more files share, with the paths of these files."""
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for name, path in named:
        paths[name].append(str(path.relative_to(ROOT)))
    return {name: found for name, found in paths.items() if len(found) > 1}


def classes(path: Path) -> list[tuple[str, Path]]:
    """Return the names of the classes at the top level of a file, private ones without their underscore."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(node.name.lstrip("_"), path) for node in tree.body if isinstance(node, ast.ClassDef)]


def test_no_two_files_share_a_name() -> None:
    assert repeated((path.name, path) for path in FILES).keys() == REPEATED_FILES.keys()


def test_no_two_classes_share_a_name() -> None:
    assert repeated(chain.from_iterable(map(classes, FILES))).keys() == REPEATED_CLASSES.keys()


def test_a_repeated_name_is_reported_with_its_files() -> None:
    graphs = ["gnn/observations.py", "simulator/network.py"]
    named = [name for path in graphs for name in classes(ROOT / path)]
    assert repeated(named) == {"Graph": graphs}


@pytest.mark.parametrize("folder", [*PACKAGES, "tests"])
def test_files_are_short(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length >= LONGEST} == {}

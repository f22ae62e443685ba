"""Every move's own unit tests, and the check that runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.planner.move_catalogue import MOVES, move_names, with_requirements
from moves.check import assembled, complaints
from stoichloop.errors import StoichloopError
from tests.conftest import ROOT


@pytest.mark.parametrize("name", [name for name in move_names() if (MOVES / name / "tests").is_dir()])
def test_the_unit_tests_of_a_move_pass_on_the_code_as_it_stands_once_applied(name: str) -> None:
    with assembled(name) as folder:
        assert complaints(folder, ["tests"]) == ""


def write_tree(catalogue: Path, source: str, test: str = "def test_nothing() -> None:\n    pass\n") -> None:
    folder = catalogue / "made_up"
    (folder / "gnn").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "move.yaml").write_text("title: a move\nwhy: for a test\nrequires: []\nremoves: [layers.py]\n")
    (folder / "gnn" / "made_up.py").write_text(source)
    (folder / "tests" / "test_made_up.py").write_text(test)


def test_code_that_the_project_would_not_pass_is_found_in_a_move_too(tmp_path: Path) -> None:
    write_tree(tmp_path, '"""A module."""\n\nimport os\n')
    with assembled("made_up", tmp_path) as folder:
        assert not (folder / "gnn" / "layers.py").exists()
        words = complaints(folder, ["lint"])
    assert "F401" in words
    assert "made_up.py:3" in words


def test_a_unit_test_that_fails_is_shown(tmp_path: Path) -> None:
    test = "from gnn.made_up import TWO\n\n\ndef test_two() -> None:\n    assert TWO == 2\n"
    write_tree(tmp_path, "TWO = 3\n", test)
    with assembled("made_up", tmp_path) as folder:
        assert "assert 3 == 2" in complaints(folder, ["tests"])


def test_a_move_that_removes_what_is_not_there_is_found(tmp_path: Path) -> None:
    write_tree(tmp_path, "TWO = 2\n")
    path = tmp_path / "made_up" / "move.yaml"
    path.write_text(path.read_text().replace("layers.py", "layer.py"))
    with pytest.raises(StoichloopError, match=r"'made_up' removes gnn/layer\.py, which today's code does not have"):
        assembled("made_up", tmp_path).__enter__()


def test_what_a_requirement_requires_comes_first_and_a_circle_is_named(tmp_path: Path) -> None:
    for name, requires in (("first", ""), ("second", "first"), ("third", "second")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "move.yaml").write_text(f"title: a move\nwhy: for a test\nrequires: [{requires}]\n")
        (folder / "gnn").mkdir()
        (folder / "gnn" / f"{name}.py").write_text("A = 1\n")
    assert with_requirements("third", tmp_path) == ["first", "second", "third"]
    (tmp_path / "first" / "move.yaml").write_text("title: a move\nwhy: for a test\nrequires: [third]\n")
    circle = "move 'third' requires 'second' requires 'first' requires 'third': remove one from requires"
    with pytest.raises(StoichloopError, match=circle):
        with_requirements("third", tmp_path)


def test_a_check_that_is_none_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "moves", "taste"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "taste: checks are lint, types, tests" in done.stderr

"""The fingerprint of the judge: it changes with all code that scores, and with no other."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from agent.analyzer.scoring.fingerprint import analyzer_fingerprint, scoring_files
from tests.conftest import ROOT

JUDGE = ("agent/analyzer", "agent/base", "simulator")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the analyzer and its surroundings."""
    for folder in JUDGE:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def fingerprint_after(tree: Path, changed: str) -> str:
    """Return the fingerprint of the tree with one more line in a file; remove the line again."""
    before = (tree / changed).read_text()
    (tree / changed).write_text(before + "# changed\n")
    try:
        return analyzer_fingerprint.__wrapped__(tree)
    finally:
        (tree / changed).write_text(before)


def test_a_copy_has_the_fingerprint_of_the_original(tree: Path) -> None:
    assert analyzer_fingerprint(tree) == analyzer_fingerprint(ROOT) == analyzer_fingerprint()


@pytest.mark.parametrize(
    "changed",
    [
        "agent/analyzer/scoring/score.py",
        "agent/analyzer/scoring/decode.py",
        "agent/analyzer/scoring/fingerprint.py",
        "agent/base/untrusted.py",
        "simulator/kinetics/shared_functions.py",
        "simulator/identifiability/facts.py",
    ],
)
def test_it_changes_with_code_that_scores(tree: Path, changed: str) -> None:
    assert fingerprint_after(tree, changed) != analyzer_fingerprint()


@pytest.mark.parametrize("changed", ["agent/analyzer/judging/acceptance.py", "agent/base/duration.py"])
def test_it_does_not_change_with_other_code(tree: Path, changed: str) -> None:
    assert fingerprint_after(tree, changed) == analyzer_fingerprint()


@pytest.mark.parametrize("missing", ["agent/analyzer/scoring", "agent/base", "simulator"])
def test_a_folder_that_was_moved_away_is_an_error(tree: Path, missing: str) -> None:
    (tree / missing).rename(tree / "elsewhere")
    with pytest.raises(FileNotFoundError, match=missing):
        analyzer_fingerprint(tree)


def test_it_covers_every_module_of_the_loop_that_code_that_scores_imports() -> None:
    covered = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in scoring_files()}
    imported = {
        node.module
        for path in scoring_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module is not None
    }
    own = {name for name in imported if name.partition(".")[0] in ("agent", "gnn", "memory", "simulator")}
    assert {name for name in own if name not in covered and f"{name}.__init__" not in covered} == set()

"""Merges by line: what is kept of both sides, and what conflicts."""

from pathlib import Path

import pytest

from agent.executor.code.merging import merge_files, merged_text

BEFORE = "a\nb\nc\nd\ne\n"


@pytest.mark.parametrize(
    ("here", "after", "merged"),
    [
        ("A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "A\nb\nc\nd\nE\n"),
        ("a\nb\nx\nc\nd\ne\n", "a\nb\ny\nc\nd\ne\n", "a\nb\nx\ny\nc\nd\ne\n"),
        (f"{BEFORE}x\n", f"{BEFORE}y\n", f"{BEFORE}x\ny\n"),
        ("a\nb\nx\nd\ne\n", "a\nb\ny\nd\ne\n", None),
        ("a\nb\nd\ne\n", "a\nb\ny\nd\ne\n", None),
        ("A\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n"),
    ],
    ids=["other lines", "both insert", "both append", "the same line", "deleted and changed", "the same change"],
)
def test_lines_are_merged_unless_both_sides_changed_the_same_ones(here: str, after: str, merged: str | None) -> None:
    assert merged_text(here, BEFORE, after) == merged


@pytest.mark.parametrize("size", [7, 60])
def test_marks_in_the_source_are_not_taken_for_those_of_git(size: int) -> None:
    marks = "".join(f"{character * size} x\n" for character in "<|>") + "=" * size + "\n"
    assert merged_text(f"{marks}x\n{marks}", f"{marks}{marks}", f"{marks}y\n{marks}") == f"{marks}x\ny\n{marks}"


def test_a_text_full_of_marks_is_merged_at_once() -> None:
    source = ("<" * 60 + " a\n") * 3_000
    assert merged_text(f"{source}x\n", source, f"{source}y\n") == f"{source}x\ny\n"


def test_line_ends_of_windows_are_kept() -> None:
    assert merged_text("a\r\nx\r\n", "a\r\n", "a\r\ny\r\n") == "a\r\nx\r\ny\r\n"


def test_what_git_does_not_merge_is_not_emptied() -> None:
    assert merged_text(f"{BEFORE}\0\n", BEFORE, f"x\n{BEFORE}") is None


def test_files_are_merged_made_and_deleted_and_conflicts_are_told(tmp_path: Path) -> None:
    (tmp_path / "gnn").mkdir()
    here = {"gnn/both.py": "A\nb\nc\nd\ne\n", "gnn/gone.py": "old\n", "gnn/kept.py": "changed\n"}
    for file, text in here.items():
        (tmp_path / file).write_text(text)
    before = {"gnn/both.py": BEFORE, "gnn/gone.py": "old\n", "gnn/kept.py": "old\n", "gnn/lost.py": "old\n"}
    after = {"gnn/both.py": "a\nb\nc\nd\nE\n", "gnn/new.py": "new\n", "gnn/lost.py": "newer\n"}
    assert merge_files(tmp_path, before, after) == ["gnn/kept.py", "gnn/lost.py"]
    assert {path.name: path.read_text() for path in (tmp_path / "gnn").iterdir()} == {
        "both.py": "A\nb\nc\nd\nE\n",
        "kept.py": "changed\n",
        "new.py": "new\n",
    }

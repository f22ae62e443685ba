"""Texts of others, cleaned for each medium."""

from __future__ import annotations

import re
import subprocess

import pytest
from markdown_it import MarkdownIt

from stoichloop.foreign_text import (
    commit_paragraph,
    markdown,
    one_line,
    shorten,
    storable,
    table_cell,
    unescaped,
    visible,
)
from tests.hostile_texts import HOSTILE

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.fixture(params=HOSTILE.values(), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def words(line: str) -> str:
    """Return the text that Markdown shows, which must be plain."""
    tokens = GITHUB.parse(line)
    assert {token.type for token in tokens} <= {
        *("paragraph_open", "inline", "paragraph_close"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    }
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= {"text"}
    return "".join(child.content for child in inline)


def test_what_is_not_printed_is_seen(text: str) -> None:
    shown = visible(text)
    assert shown.replace("\n", "").replace("\t", "").isprintable()
    assert visible(shown) == shown
    shown.encode()


def test_a_line_is_a_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert len(shorten(text, 60)) <= 60
    assert bool(shorten(text, 60)) == bool(text.strip())


def test_markdown_has_no_meaning_wherever_it_stands(text: str) -> None:
    for before in ("", "- ", "- hypothesis: ", "- title of `ours`: "):
        line = before + markdown(text)
        assert "\n" not in line
        if "`" not in before:
            assert one_line(words(line)) == one_line(before.removeprefix("- ") + text)
    assert " ".join(unescaped(markdown(text)).split()) == one_line(text)


def test_fields_stay_as_planners_write_them() -> None:
    assert markdown("lr_S 0.01 -> 0.02, coeff_S_L1: -0.5") == "lr_S 0.01 -> 0.02, coeff_S_L1: -0.5"


def test_git_reads_no_trailer_and_drops_no_line(text: str) -> None:
    message = f"e0002: title\n\n{commit_paragraph(text, 66)}\n\nExperiment: e0002\n"
    found = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    assert found.stdout == "Experiment: e0002\n"
    for options in (("--strip-comments",), ()):
        kept = subprocess.run(
            ["git", "stripspace", *options], input=message, capture_output=True, text=True, check=True
        )
        assert "".join(kept.stdout.split()) == "".join(message.split())


def test_a_spreadsheet_sees_no_formula(text: str) -> None:
    assert not table_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert table_cell(text).removeprefix("'") == visible(text)


def test_only_what_cannot_be_stored_is_changed(text: str) -> None:
    assert storable(text).encode().decode() == storable(text)
    assert storable(text) == text or re.search("[\ud800-\udfff]", text)


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two …"),
        ("one two three", 9, "one two …"),
        ("a " + "x" * 50, 20, "a " + "x" * 16 + " …"),
        ("x\ny", 9, "x y"),
    ],
)
def test_a_long_text_is_cut_between_words_if_it_can_be(text: str, length: int, shown: str) -> None:
    assert shorten(text, length) == shown

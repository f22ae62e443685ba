"""The pictures of README.md can be made again, and are small enough to be kept in git."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT

PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 250_000


def test_the_picture_of_a_terminal_shows_the_command_and_its_colours_and_needs_no_network(tmp_path: Path) -> None:
    (tmp_path / "captured").write_text("\x1b[32m● running\x1b[0m demo", encoding="utf-8")
    command = [
        sys.executable,
        str(PICTURES / "make.py"),
        "terminal",
        "stoichloop status demo",
        "captured",
        "picture.svg",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    drawn = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    words = "".join(ElementTree.fromstring(drawn).itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "stoichloop status demo" in words
    assert "● running" in words
    assert not re.search(r"url\(\W*http", drawn)


@pytest.mark.parametrize("picture", [*PICTURES.glob("*.png"), *PICTURES.glob("*.svg")], ids=lambda path: path.name)
def test_pictures_are_small(picture: Path) -> None:
    assert picture.stat().st_size < MOST_BYTES

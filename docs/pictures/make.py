"""Make the pictures of README.md, from a campaign called demo (`make demo`):

    stoichloop report demo
    python docs/pictures/make.py report runs/demo/report.html docs/pictures/report.png
    FORCE_COLOR=1 COLUMNS=100 LINES=44 stoichloop status demo > status.ansi
    python docs/pictures/make.py terminal 'stoichloop status demo' status.ansi docs/pictures/terminal.svg

The first picture needs Chromium. The second one is drawn from any text with the colour codes of a terminal.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 1440, 900  # pixels of the report's window
COLUMNS = 100  # of the terminal
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def picture_report(page: Path, picture: Path) -> None:
    """Write the first screen of a report as a PNG file."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("the picture of a report needs Chromium; install the package chromium of your system")
    with tempfile.TemporaryDirectory() as profile:
        size, place = f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture.absolute()}"
        address = page.absolute().as_uri()
        command = [browser, *_FLAGS, f"--user-data-dir={profile}", size, place, address]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def picture_terminal(command: str, captured: Path, picture: Path) -> None:
    """Write a command and what it printed as an SVG file; `captured` has the printed text with its colour codes."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
    console.print(Text.from_ansi(captured.read_text(encoding="utf-8")))
    drawn = console.export_svg(title="stoichloop", unique_id="terminal")
    # The fonts that rich names lie on a server; a picture in a repository shows with those of its reader.
    picture.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make the pictures of README.md.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    report = kinds.add_parser("report", help="the first screen of a campaign's page")
    report.add_argument("page", type=Path)
    report.add_argument("picture", type=Path)
    terminal = kinds.add_parser("terminal", help="what a command printed")
    terminal.add_argument("command")
    terminal.add_argument("captured", type=Path)
    terminal.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    if arguments.kind == "report":
        picture_report(arguments.page, arguments.picture)
    else:
        picture_terminal(arguments.command, arguments.captured, arguments.picture)


if __name__ == "__main__":
    main()

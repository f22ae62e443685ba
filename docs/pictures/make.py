"""Make the pictures of README.md, from a campaign called demo (`make demo`):

    stoichloop report demo
    python docs/pictures/make.py report runs/demo/report.html docs/pictures
    FORCE_COLOR=1 COLUMNS=100 LINES=44 stoichloop status demo > status.ansi
    python docs/pictures/make.py terminal 'stoichloop status demo' status.ansi docs/pictures/terminal.svg

The report is pictured on a workstation and on a phone, light and dark, which needs Chromium. The terminal is drawn from
any text with its colour codes.
"""

from __future__ import annotations

import argparse
import re
import sys
from io import StringIO
from pathlib import Path

from chromium import Chromium
from rich.console import Console
from rich.text import Text

WINDOWS = {"report": (1440, 900), "report-phone": (390, 844)}  # pixels
ANSWERS = (
    ".badge",
    ".state",
    ".tiles",
    ".made",
    ".next",
)  # ended how and why, how good, how sure, what made it so, what next
COLUMNS = 100  # of the terminal


def picture_report(page: Path, folder: Path) -> None:
    """Write the first screen of a report as PNG files: on a workstation and on a phone, light and dark.

    End with a sentence if an answer is not wholly on it.
    """
    with Chromium() as browser:
        for name, (width, height) in WINDOWS.items():
            for suffix, dark in (("", False), ("-dark", True)):
                browser.show(page.absolute().as_uri(), width, height, dark=dark)
                browser.picture(folder / f"{name}{suffix}.png")
                for answer in ANSWERS:
                    if browser.run(f"document.querySelector('{answer}').getBoundingClientRect().bottom") > height:
                        sys.exit(f"{page}: {answer} is below the first screen of {width} x {height}")


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
    report = kinds.add_parser("report", help="the first screen of a campaign's page, four times")
    report.add_argument("page", type=Path)
    report.add_argument("folder", type=Path)
    terminal = kinds.add_parser("terminal", help="what a command printed")
    terminal.add_argument("command")
    terminal.add_argument("captured", type=Path)
    terminal.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    if arguments.kind == "report":
        picture_report(arguments.page, arguments.folder)
    else:
        picture_terminal(arguments.command, arguments.captured, arguments.picture)


if __name__ == "__main__":
    main()

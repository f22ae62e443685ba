"""Tables in the folder of a training, and lists of the same things for a terminal."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

_SHOWN = 12


def write_table(place: Path, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file with these rows; leave no file if there are none.

    A trial may have left a file of its own there, or a link that leads elsewhere: it is removed first.
    """
    place.unlink(missing_ok=True)
    rows = list(rows)
    if not rows:
        return
    with place.open("x", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([heading, *rows])


def listed(title: str, found: Sequence[object], file: str) -> list[str]:
    """Return a title and a line for each of the first dozen; `file` has the others. No line if there are none."""
    if not found:
        return []
    lines = [f"  {one}" for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  and {len(found) - _SHOWN} more, in {file} of --out FOLDER")
    return [title, *lines]

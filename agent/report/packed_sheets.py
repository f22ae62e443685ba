"""Pages of experiments beyond a size: packed, so that one file holds all of them."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from memory.records import Experiment

PLAIN = 180_000  # characters of pages that a browser without JavaScript can show, and of packed networks


@dataclass(frozen=True)
class Sheets:
    """The pages of `names` as they are, and all others as gzip in base64, which JavaScript unpacks."""

    names: frozenset[str]
    plain: tuple[Markup, ...]
    packed: str
    packed_count: int


def pack_sheets(pages: Sequence[tuple[Experiment, Markup]], room: int) -> Sheets:
    """Leave pages plain until they fill `room`: those of accepted experiments first, then the newest."""
    names = set[str]()
    for e, page in sorted(pages, key=lambda each: (not each[0].accepted, -each[0].block, each[0].id)):
        room -= len(page)
        if room < 0 and names:
            break
        names.add(e.id)
    rest = [page for e, page in pages if e.id not in names]
    plain = tuple(page for e, page in pages if e.id in names)
    # The time in the header is left out: the same ledger gives the same page.
    packed = base64.b64encode(gzip.compress("".join(rest).encode(), mtime=0)).decode() if rest else ""
    return Sheets(frozenset(names), plain, packed, len(rest))

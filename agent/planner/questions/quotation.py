"""Quotation of text that others wrote, as a fenced block that marks it as data."""

from __future__ import annotations

import re

from stoichloop.foreign_text import one_line, visible

CUT = "(cut here)"
FENCE = 80  # what quoting adds to a text, at the most, where neither label nor runs of backticks are long


def quote(text: str, length: int, label: str = "") -> str:
    """Text that others wrote, in a fenced block that marks it as data and that nothing inside can close."""
    text = visible(text)
    if len(text) > length:
        text = f"{text[:length]}\n{CUT}"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    label = one_line(label).replace("`", "'")
    return f"{fence}quoted {label}".rstrip() + f"\n{text.strip(chr(10)) or '(nothing)'}\n{fence}"

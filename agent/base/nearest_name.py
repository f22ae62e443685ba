"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another, whatever the case of its letters; None if none is."""
    by_letters = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), by_letters, 1)
    return by_letters[near[0]] if near else None

"""Ids of experiments as users write them."""

from __future__ import annotations

import re

from memory.records import experiment_name


def full_id(text: str) -> str:
    """Return the id of an experiment, `e0017` of 17, e17 and E0017; any other text stays as it is."""
    number = re.fullmatch(r"[eE]?(\d{1,9})", text, re.ASCII)
    return experiment_name(int(number[1])) if number else text

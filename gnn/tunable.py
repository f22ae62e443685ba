"""Declarations of tunable fields: a starting value and a range to search.

Models that are trained together must agree on every `shared` field. A field is shared if it sets a shape of the model
or selects code.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any


def number(start: float, low: float, high: float, doc: str, *, log: bool = True) -> Any:
    """Declare a real number, searched between `low` and `high`, by default on a logarithmic scale."""
    return field(
        default=start, metadata={"kind": "float", "low": low, "high": high, "log": log, "shared": False, "doc": doc}
    )


def integer(start: int, low: int, high: int, doc: str) -> Any:
    """Declare an integer, searched between `low` and `high`, both included."""
    return field(default=start, metadata={"kind": "int", "low": low, "high": high, "shared": True, "doc": doc})


def choice(
    start: str | int, choices: list[str] | list[int], doc: str, *, shared: bool = True, swept: bool = True
) -> Any:
    """Declare a choice among a few values. Sweeps leave it alone unless it is `swept`."""
    metadata = {"kind": "choice", "choices": choices, "shared": shared, "swept": swept, "doc": doc}
    return field(default=start, metadata=metadata)

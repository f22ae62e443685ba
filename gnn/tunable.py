"""How a field of the configuration declares its starting value and the range to search.

What is `shared` must be the same for all members that are trained together: whatever gives the model its shape, or
decides which way the code takes.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any


def number(start: float, low: float, high: float, doc: str, *, log: bool = True) -> Any:
    """A real number, searched between `low` and `high`, on a logarithmic scale unless told otherwise."""
    return field(
        default=start, metadata={"kind": "float", "low": low, "high": high, "log": log, "shared": False, "doc": doc}
    )


def integer(start: int, low: int, high: int, doc: str) -> Any:
    """A whole number, searched between `low` and `high`, both included."""
    return field(default=start, metadata={"kind": "int", "low": low, "high": high, "shared": True, "doc": doc})


def choice(start: str | int, choices: list[str] | list[int], doc: str, *, shared: bool = True) -> Any:
    """One of a few named values."""
    return field(default=start, metadata={"kind": "choice", "choices": choices, "shared": shared, "doc": doc})

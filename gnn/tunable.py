"""Declarations of tunable fields, a starting value and a range to search, and the check of a value against them.

Models that are trained together must agree on every `shared` field. A field is shared if it sets a shape of the model
or selects code.
"""

from __future__ import annotations

import math
from dataclasses import field, fields
from typing import Any


class ConfigurationError(Exception):
    """A value that the configuration does not allow; the message gives the key, the value and the allowed values."""


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


def checked(configuration: type[Any], name: str, value: Any) -> Any:
    """Return a value for the field `name` of a configuration, in the field's type; raises `ConfigurationError`.

    The range bounds a search, not what a person may choose.
    """
    known = {field.name: field.metadata for field in fields(configuration)}
    if name not in known:
        raise ConfigurationError(f"key '{name}' is not a field of the configuration; fields are {', '.join(known)}")
    kind = known[name]["kind"]
    if kind == "choice":
        choices = known[name]["choices"]
        if value not in choices or isinstance(value, bool):
            raise ConfigurationError(f"key '{name}' has value {value!r}, but must be one of {choices}")
        return choices[choices.index(value)]  # 32 for 32.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"key '{name}' has value {value!r}, but must be a finite number of at least 0")
    if kind == "int":
        if value != int(value) or value < known[name]["low"]:
            raise ConfigurationError(
                f"key '{name}' has value {value!r}, but must be a whole number of at least {known[name]['low']}"
            )
        return int(value)
    return float(value)

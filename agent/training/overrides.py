"""Parsing of configuration changes from `--config` and `--set`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.base.checked_yaml import read_mapping
from stoichloop.errors import StoichloopError, UsageError


def read_changes(path: Path) -> dict[str, Any]:
    """Read `--config FILE`: a YAML or JSON mapping of fields to numbers and words."""
    changes = {str(key): number_or_text(value) for key, value in read_mapping(path, f"--config {path}").items()}
    for key, value in changes.items():
        if not isinstance(value, str | int | float):
            raise StoichloopError(f"--config {path}: key '{key}' has value {value!r}, but must be a number or a word")
    return changes


def parse_changes(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse `--set KEY=VALUE` options; raise `StoichloopError` for another form."""
    changes = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"--set '{pair}' is not of the form key=value; write it like --set lr_S=0.01")
        changes[key] = number_or_text(value)
    return changes


def number_or_text(value: Any) -> Any:
    """Return text that is a JSON value as that value: YAML reads 1e-3 as text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value

"""YAML files that hold a mapping, the one way to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read_mapping(path: Path, called: str) -> dict[Any, Any]:
    """The mapping that a YAML file holds; raises `ValueError`, which calls the file as its reader knows it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    # PyYAML's own errors are the usual ones; a character, date, tag or depth that Python cannot have surfaces as
    # whatever Python says: ValueError, KeyError, AttributeError, RecursionError.
    except Exception as error:
        raise ValueError(f"{called}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{called}: must hold a mapping of keys to values, but holds {content!r}")
    return content

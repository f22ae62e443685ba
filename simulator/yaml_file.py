"""YAML files that hold a mapping, the one way to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """The safe loader, which does not take the last of two values for the only one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := next((key for place, key in enumerate(keys) if key in keys[:place]), None):
            raise ValueError(f"key '{twice}' stands twice, from line {node.start_mark.line + 1} on")
        return super().construct_mapping(node, deep)


def read_mapping(path: Path, called: str) -> dict[Any, Any]:
    """The mapping that a YAML file holds; raises `ValueError`, which calls the file as its reader knows it."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    # PyYAML's own errors are the usual ones; a character, date, tag or depth that Python cannot have surfaces as
    # whatever Python says: ValueError, KeyError, AttributeError, RecursionError.
    except Exception as error:
        raise ValueError(f"{called}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{called}: must hold a mapping of keys to values, but holds {content!r}")
    return content

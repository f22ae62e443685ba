"""Reader of YAML files that hold a mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """A safe loader that reads keys as text, and refuses one given twice.

    YAML takes the names NO, on and 2024-01-01 for a truth value, another one and a date.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if twice := next((key for index, key in enumerate(keys) if key in keys[:index]), None):
            raise ValueError(f"key '{twice}' is given twice, from line {node.start_mark.line + 1} on")
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)


def read_mapping(path: Path, called: str) -> dict[Any, Any]:
    """Return the mapping in a YAML file; raises `ValueError`, which names the file `called`."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (yaml.parser.ParserError, yaml.scanner.ScannerError) as error:
        mend = "a text with [ ] { } : ? # & * ! | > % @ ` or a quotation mark in it must stand in quotes"
        if "'\\t'" in str(error):
            mend = "indent by spaces, not tabs"
        raise ValueError(f"{called}: cannot be read as YAML: {' '.join(str(error).split())}; {mend}") from error
    # Besides PyYAML's own errors, an invalid character, date, tag or depth raises ValueError, KeyError,
    # AttributeError or RecursionError.
    except Exception as error:
        raise ValueError(f"{called}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{called}: must hold a mapping of keys to values, but holds {content!r}")
    return content

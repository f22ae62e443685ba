"""Validation of YAML files written by users."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from simulator import yaml_file
from stoichloop.errors import StoichloopError

Document = TypeVar("Document", bound=BaseModel)


def read_document(path: Path, kind: type[Document]) -> Document:
    """Read one YAML file as `kind`; raises `StoichloopError` naming the file, the key and the value."""
    content = read_mapping(path, str(path))
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise StoichloopError(f"{path}: key '{key}' with value {first['input']!r}: {first['msg']}") from error


def read_mapping(path: Path, called: str) -> dict[Any, Any]:
    """Read the mapping in a YAML file; raises `StoichloopError` that names the file as `called`."""
    try:
        return yaml_file.read_mapping(path, called)
    except ValueError as error:
        raise StoichloopError(str(error)) from error

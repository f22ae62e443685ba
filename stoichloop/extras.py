"""The optional parts that a user may install: the extras of pyproject.toml."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """Return the words that end each message about a package of an extra that is not installed."""
    return f"run 'make extra NAME={extra}' in the clone"

"""The Python interface, defined in `stoichloop.api`; docs/api.md has examples."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stoichloop.errors import StoichloopError

if TYPE_CHECKING:
    from stoichloop.api import Campaign, campaign, data, explore, regimes, train

__all__ = ["Campaign", "StoichloopError", "campaign", "data", "explore", "regimes", "train"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: every package imports stoichloop.errors, and the interface imports every package.
    if name in __all__:
        return getattr(importlib.import_module("stoichloop.api"), name)
    raise AttributeError(f"module 'stoichloop' has no attribute '{name}'")

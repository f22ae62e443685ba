"""Recovery of integer stoichiometric matrices from concentration data, by experiments that run by themselves.

regimes, data, train    what there is to recover; frozen data; one scored training
explore                 run a campaign, or resume it
campaign, campaigns     open a campaign of this clone; list all of them
open                    open a campaign by its folder, from anywhere
Campaign                read a campaign: best, frame, plot_course, network, winners, pick, verify, idea, report

They work in the clone that contains the current folder. docs/api.md has examples.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stoichloop.errors import StoichloopError

if TYPE_CHECKING:
    from stoichloop.api import campaign, campaigns, data, explore, open, regimes, train
    from stoichloop.campaign_interface import Campaign

__all__ = [
    "Campaign",
    "StoichloopError",
    "__version__",
    "campaign",
    "campaigns",
    "data",
    "explore",
    "open",
    "regimes",
    "train",
]
__version__: str


def __getattr__(name: str) -> Any:
    # Loaded on first use: every package imports stoichloop.errors, and the interface imports every package.
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("stoichloop")
    if name in __all__:
        return getattr(importlib.import_module("stoichloop.api"), name)
    raise AttributeError(f"module 'stoichloop' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__

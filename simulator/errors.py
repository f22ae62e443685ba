"""What can be wrong with what the simulator is given. Each message is one sentence that says how to mend it."""

from __future__ import annotations


class RegimeError(Exception):
    """A regime file is missing or malformed."""


class DatasetError(Exception):
    """A dataset is missing, changed, stale or malformed."""

"""Errors that a user can fix. This module imports nothing, so every package may import it."""

from __future__ import annotations


class StoichloopError(Exception):
    """Base of all errors that reach a user. The message is one sentence: what is wrong, where, and how to fix it."""


class UsageError(StoichloopError):
    """A value that an option or an argument cannot have."""


class RegimeError(StoichloopError):
    """A regime file is missing or malformed."""


class DatasetError(StoichloopError):
    """A dataset is missing, changed, stale or malformed."""


class LedgerError(StoichloopError):
    """A ledger is missing, of a newer version, or does not hold what its reader needs."""

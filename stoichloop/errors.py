"""Errors that a user can mend. A leaf: every package may import it."""

from __future__ import annotations


class StoichloopError(Exception):
    """The base of all errors. Its message is one sentence: what is wrong, where, and the mend."""


class RegimeError(StoichloopError):
    """A regime file is missing or malformed."""


class DatasetError(StoichloopError):
    """A dataset is missing, changed, stale or malformed."""


class LedgerError(StoichloopError):
    """A ledger is missing, of a newer version, or does not hold what its reader needs."""

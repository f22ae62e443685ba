"""Recovery of a ledger that can no longer be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.campaign.folder import CampaignFolder
from memory.backup import good_copy, put_back
from memory.ledger import Ledger
from stoichloop.errors import LedgerError, StoichloopError


@dataclass(frozen=True)
class Restored:
    """Content of the restored ledger, and the paths of the damaged files that were kept."""

    experiments: int
    trials: int
    copied_at: float
    kept: Sequence[Path]


def restore(campaign: CampaignFolder) -> Restored:
    """Put the last good copy in the place of a damaged ledger; raises `StoichloopError` if that cannot be."""
    path = campaign.ledger_path
    with campaign.lead():
        if fault_of(path) is None:
            raise StoichloopError(f"{path}: this ledger is whole; there is nothing to restore")
        copy = good_copy(path)
        if not copy.is_file():
            raise StoichloopError(f"{copy}: there is no good copy of this campaign's ledger; start another --campaign")
        if (fault := fault_of(copy)) is not None:
            raise StoichloopError(f"{copy}: the copy is damaged too: {fault}; start another --campaign")
        copied_at = copy.stat().st_mtime
        kept = put_back(path)
        with Ledger(path) as ledger:
            experiments = ledger.experiments()
            ledger.add_event("the ledger was damaged; its last good copy took its place")
        return Restored(len(experiments), sum(len(e.all_trials) for e in experiments), copied_at, kept)


def fault_of(path: Path) -> str | None:
    """Return the fault of a ledger; None if it is whole."""
    try:
        with Ledger(path, readonly=True) as ledger:
            ledger.check()
            ledger.experiments()
    except (LedgerError, sqlite3.DatabaseError) as error:
        return str(error)
    return None

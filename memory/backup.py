"""The last good copy of a ledger, for the day on which the ledger itself can no longer be read."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

_SHARE = 0.02  # of the time may be spent on copying


class Backups:
    """Keeps `memory.good.db` beside a ledger `memory.db`.

    A copy is checked before it takes the place of the one before, so a ledger that goes bad never gets into it.
    """

    def __init__(self, db: sqlite3.Connection, ledger: Path) -> None:
        self._db = db
        self._ledger = ledger
        self._next_at = 0.0

    def keep(self) -> None:
        """Copy the ledger, unless that was done a moment ago; raises `sqlite3.DatabaseError` if it is not whole."""
        began = time.monotonic()
        if began < self._next_at:
            return
        draft = good_copy(self._ledger).with_suffix(".partial")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as copy:
            self._db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
            check(copy)
        draft.replace(good_copy(self._ledger))
        now = time.monotonic()
        self._next_at = now + (now - began) / _SHARE


def good_copy(ledger: Path) -> Path:
    """Where the last good copy of a ledger is."""
    return ledger.with_suffix(".good.db")


def check(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` if what is behind a connection is not a whole database."""
    faults = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
    if faults != ["ok"]:
        raise sqlite3.DatabaseError(str(faults[0]))


def mend(ledger: Path) -> str:
    """How a person gets back to a ledger that can be used."""
    if not good_copy(ledger).is_file():
        return "there is no copy of it: start another --campaign"
    return f"'stoichloop restore {ledger.parent.name}' goes back to its last good copy"


def put_back(ledger: Path) -> Sequence[Path]:
    """Put the last good copy in the place of a ledger; returns where what was there is kept. Raises `OSError`."""
    draft = ledger.with_suffix(".partial")
    shutil.copyfile(good_copy(ledger), draft)
    moved = []
    # The ledger itself goes last: as long as it is there, nothing else has taken its place.
    for path in sorted(ledger.parent.glob(f"{ledger.name}*"), key=lambda path: path == ledger):
        if path.name in (ledger.name, f"{ledger.name}-wal", f"{ledger.name}-shm"):
            moved.append(path.rename(_unused(path.with_name(f"broken-{path.name}"))))
    draft.replace(ledger)
    return moved


def _unused(path: Path) -> Path:
    """A path of which there is nothing, numbered if need be."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate


def in_memory(db: sqlite3.Connection) -> sqlite3.Connection:
    """A copy that can be brought up to date without a change of what it was made from, which is closed."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    copy.row_factory = sqlite3.Row
    return copy

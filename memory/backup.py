"""Backup of a ledger: a verified copy to restore when the ledger itself is damaged."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from stoichloop.errors import LedgerError

_SHARE = 0.02  # largest share of the time spent on copying


class Backups:
    """Keeper of `memory.good.db` beside a ledger `memory.db`.

    A copy is verified before it replaces the previous one, so a damaged ledger never overwrites a good copy.
    """

    def __init__(self, db: sqlite3.Connection, ledger: Path) -> None:
        self._db = db
        self._ledger = ledger
        self._next_at = 0.0

    def keep(self) -> None:
        """Copy the ledger, unless the last copy is recent; raises `sqlite3.DatabaseError` if it is damaged."""
        began = time.monotonic()
        if began < self._next_at:
            return
        _copy(self._db, good_copy(self._ledger))
        now = time.monotonic()
        self._next_at = now + (now - began) / _SHARE


def _copy(db: sqlite3.Connection, path: Path) -> None:
    """Replace a file by a verified copy of a database."""
    draft = path.with_suffix(".partial")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as copy:
        db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # a single file, without a write-ahead log
        check(copy)
    draft.replace(path)


def good_copy(ledger: Path) -> Path:
    """Return the path of the last good copy of a ledger."""
    return ledger.with_suffix(".good.db")


def check(db: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` if the database of a connection is damaged."""
    faults = [row[0] for row in db.execute("PRAGMA quick_check(1)")]
    if faults != ["ok"]:
        raise sqlite3.DatabaseError(str(faults[0]))


def mend(ledger: Path) -> str:
    """Return the advice with which an error message about a damaged ledger ends."""
    if not good_copy(ledger).is_file():
        return "it has no copy; start another --campaign"
    return f"'stoichloop restore {ledger.parent.name}' goes back to its last good copy"


def put_back(ledger: Path) -> Sequence[Path]:
    """Replace a ledger by its last good copy; returns the paths of the files moved aside. Raises `OSError`."""
    draft = ledger.with_suffix(".partial")
    shutil.copyfile(good_copy(ledger), draft)
    moved = []
    # The ledger itself is moved last: until then no other file has taken its place.
    for path in sorted(ledger.parent.glob(f"{ledger.name}*"), key=lambda path: path == ledger):
        if path.name in (ledger.name, f"{ledger.name}-wal", f"{ledger.name}-shm"):
            moved.append(path.rename(_unused(path.with_name(f"broken-{path.name}"))))
    draft.replace(ledger)
    return moved


def _unused(path: Path) -> Path:
    """Return a path that does not exist yet, numbered if necessary."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}.{number}")
    return candidate


def before_upgrade(db: sqlite3.Connection, ledger: Path, version: int, *, readonly: bool) -> sqlite3.Connection:
    """Return the connection whose database an upgrade may change.

    For a reader, this is a copy in memory: the controller may still run the earlier version. Otherwise it is the ledger
    itself, of which `memory.schema8.db` is kept for that version. Raises `sqlite3.DatabaseError` for a damaged ledger,
    and `LedgerError` if the copy cannot be written.
    """
    if not readonly:
        kept = ledger.with_suffix(f".schema{version}.db")
        try:
            _copy(db, kept)
        except (sqlite3.OperationalError, OSError) as error:
            raise LedgerError(f"{kept}: the copy to keep before a migration cannot be written: {error}") from error
        return db
    copy = sqlite3.connect(":memory:", isolation_level=None)
    db.backup(copy)
    db.close()
    copy.row_factory = sqlite3.Row
    return copy

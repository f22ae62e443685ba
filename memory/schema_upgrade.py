"""The upgrade of a ledger to the newest schema: each version adds to the previous one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPTS = sorted((Path(__file__).parent / "schema").glob("*.sql"), key=lambda path: int(path.stem))
SCHEMA_VERSION = int(_SCRIPTS[-1].stem)


def upgrade(db: sqlite3.Connection) -> None:
    """Run the scripts that have not run on this ledger, each in one transaction."""
    db.execute("PRAGMA journal_mode = WAL")
    for script in _SCRIPTS:
        schema, number = script.read_text(encoding="utf-8"), int(script.stem)
        triggers = [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
            for table in re.findall(r"CREATE TABLE (\w+)", schema)
            for verb in ("UPDATE", "DELETE")
        ]
        with transaction(db):
            # Another process may have upgraded it meanwhile.
            if db.execute("PRAGMA user_version").fetchone()[0] < number:
                for statement in _statements("\n".join([schema, *triggers])):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done inside, or nothing of it after an error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements, because `executescript` would commit an open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""

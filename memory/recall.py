"""The experiments of a ledger, kept decoded. Nothing in a ledger ever changes, so only what was added is read."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from memory.records import Experiment, TrialResult, Verdict

# What may have been added, as fields of the experiment `id`; `place` is the row's, and rows are never taken away.
_ADDED = {
    "experiments": "id, block, parent, planner, hypothesis, changes, configuration, fingerprint, proposed_at",
    "proposals": "experiment AS id, role, move, patch, repairs",
    "commits": 'experiment AS id, sha AS "commit"',
    "landings": "experiment AS id, sha AS landed",
    "verdicts": "experiment AS id, verdict, reason, rival, effect, low, high, p_value, number",
    "trial_results": "experiment AS id, *",
}


class Recall:
    """What has been read of one ledger so far, through one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._read_to = dict.fromkeys(_ADDED, 0)
        self._known: dict[str, Experiment] = {}

    def experiments(self) -> list[Experiment]:
        """All experiments with their trials and verdicts, oldest first."""
        self._db.execute("BEGIN")  # all tables at one moment, whoever adds to them meanwhile
        added = {table: self._added(table) for table in _ADDED}
        self._db.execute("COMMIT")
        fields: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for row in added["experiments"]:
            decoded = {name: from_json(row[name]) for name in ("changes", "configuration")}
            fields[row["id"]] = {**_plain(row), **decoded}
        for table in ("proposals", "commits", "landings"):
            for row in added[table]:
                fields[row["id"]].update(_plain(row))
        for row in added["verdicts"]:
            fields[row["id"]]["verdict"] = _verdict(row)
        for row in added["trial_results"]:
            fields[row["id"]].setdefault("trials", []).append(_result(row))
        for name, values in fields.items():
            known = self._known.get(name)
            if "trials" in values:
                values["trials"] = (*(known.trials if known else ()), *values["trials"])
            self._known[name] = Experiment(**values) if known is None else replace(known, **values)
        return list(self._known.values())

    def _added(self, table: str) -> list[sqlite3.Row]:
        query = f"SELECT rowid AS place, {_ADDED[table]} FROM {table} WHERE rowid > ? ORDER BY rowid"
        rows = self._db.execute(query, (self._read_to[table],)).fetchall()
        if rows:
            self._read_to[table] = rows[-1]["place"]
        return rows


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {name: value for name, value in zip(row.keys(), row, strict=True) if name != "place"}


def _verdict(row: sqlite3.Row) -> Verdict:
    interval = None if row["low"] is None else (row["low"], row["high"])
    return Verdict(row["verdict"], row["reason"], row["rival"], row["effect"], interval, row["p_value"], row["number"])


def _result(row: sqlite3.Row) -> TrialResult:
    values = {**_plain(row), "scores": from_json(row["scores"])}
    del values["id"]
    return TrialResult(**values)

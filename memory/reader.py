"""Queries that read experiments from a ledger, with a cache: rows of a ledger never change."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from memory.formatting import veto_text
from memory.records import Experiment, Outline, TrialResult, Verdict

_EXPERIMENTS = """
    SELECT e.id, e.block, e.parent, e.planner, e.hypothesis, e.changes, e.configuration, e.fingerprint, e.proposed_at,
        coalesce(p.role, 'exploit') AS role, p.move, coalesce(p.patch, '') AS patch, p.repairs,
        coalesce(p.title, '') AS title, coalesce(p.combines, '') AS combines,
        coalesce(p.kind, 'candidate') AS kind, coalesce(p.prompt, '') AS prompt,
        p.idea, coalesce(p.author, '') AS author,
        c.sha AS "commit", l.sha AS landed
    FROM experiments e LEFT JOIN proposals p ON p.experiment = e.id LEFT JOIN commits c ON c.experiment = e.id
        LEFT JOIN landings l ON l.experiment = e.id {where} ORDER BY e.number
"""
_TRIALS = "SELECT r.* FROM trial_results r JOIN experiments e ON e.id = r.experiment {where} ORDER BY r.rowid"
_VERDICTS = "SELECT v.* FROM verdicts v JOIN experiments e ON e.id = v.experiment {where}"
_VETOES = """
    SELECT i.experiment, i.kind, i.author, i.words FROM interventions i JOIN experiments e ON e.id = i.experiment
    {where} ORDER BY i.number
"""
_THESE = "WHERE e.id IN (SELECT value FROM json_each(?))"

# Columns of `proposals` beside its experiment.
BESIDE = ("role", "move", "patch", "repairs", "title", "kind", "prompt", "idea", "author")

# Tables in which rows about an experiment may have been added, and the column with its name.
_ADDED = {
    "experiments": "id",
    **dict.fromkeys(("landings", "verdicts", "trial_results", "interventions"), "experiment"),
}

_LINES = """
    SELECT e.id, e.block, CASE WHEN v.verdict = 'accepted' AND 'veto' = (
        SELECT kind FROM interventions i WHERE i.experiment = e.id AND kind IN ('veto', 'unveto')
        ORDER BY number DESC LIMIT 1
    ) THEN 'rejected' ELSE v.verdict END, v.number
    FROM experiments e LEFT JOIN verdicts v ON v.experiment = e.id
"""
_SCORES = """
    SELECT experiment, count(*), count(score), avg(score) FROM (
        SELECT experiment, CASE WHEN sibling = 0 AND fidelity = ? AND status = 'completed'
            THEN coalesce(json_extract(scores, '$.exact'), json_extract(scores, '$.support'),
                json_extract(scores, '$.blind')) END AS score
        FROM trial_results INDEXED BY score_of
    ) GROUP BY experiment
"""
# Text columns about an experiment, after the column with its name. No word spans two columns.
_TEXTS = {
    "experiments": ("id", "hypothesis", "planner", "parent", "changes"),
    "proposals": ("experiment", "role", "move", "patch", "repairs", "title", "combines", "kind", "author"),
    "commits": ("experiment", "sha"),
    "landings": ("experiment", "sha"),
    "verdicts": ("experiment", "verdict", "reason", "rival"),
    "trial_results": ("experiment", "trial", "status", "reason"),
    "interventions": ("experiment", "author", "words"),
}


class Reader:
    """Cache of the experiments read from one ledger through one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._read_to = dict.fromkeys(_ADDED, 0)
        self._cache: dict[str, Experiment] = {}

    def experiments(self) -> list[Experiment]:
        """Return all experiments with trials and verdicts, oldest first; only those with new rows are read again."""
        self._db.execute("BEGIN")  # one snapshot of all tables, even if another process adds rows
        try:
            changed = {name for table in _ADDED for name in self._new_rows(table)}
            if changed:
                self._cache |= {e.id: e for e in read(self._db, changed if self._cache else None)}
        finally:
            self._db.execute("COMMIT")
        return list(self._cache.values())

    def _new_rows(self, table: str) -> list[str]:
        query = f"SELECT {_ADDED[table]}, rowid FROM {table} WHERE rowid > ? ORDER BY rowid"
        rows = self._db.execute(query, (self._read_to[table],)).fetchall()
        if rows:
            self._read_to[table] = rows[-1][1]
        return [row[0] for row in rows if row[0] is not None]


def _data(text: str) -> Any:
    """Return JSON as data. The faster reader refuses half of a surrogate pair, which an old ledger may hold."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def read(db: sqlite3.Connection, names: Collection[str] | None) -> list[Experiment]:
    """Return the experiments named, or all if `names` is None, oldest first."""
    where, parameters = ("", ()) if names is None else (_THESE, (json.dumps(list(names)),))
    verdicts = {row["experiment"]: _verdict(row) for row in db.execute(_VERDICTS.format(where=where), parameters)}
    vetoes = {row[0]: row[1:] for row in db.execute(_VETOES.format(where=where), parameters) if "veto" in row["kind"]}
    for name, (kind, author, words) in vetoes.items():
        if kind == "veto" and name in verdicts:
            verdicts[name] = vetoed(verdicts[name], author, words)
    trials: defaultdict[str, list[TrialResult]] = defaultdict(list)
    for row in db.execute(_TRIALS.format(where=where), parameters):
        trials[row["experiment"]].append(TrialResult(**{**dict(row), "scores": _data(row["scores"])}))
    return [
        Experiment(
            **{
                **dict(row),
                "changes": _data(row["changes"]),
                "configuration": _data(row["configuration"]),
                "combines": tuple(row["combines"].split()),
            },
            trials=tuple(t for t in trials.get(row["id"], ()) if not t.sibling),
            sibling_trials=tuple(t for t in trials.get(row["id"], ()) if t.sibling),
            verdict=verdicts.get(row["id"]),
        )
        for row in db.execute(_EXPERIMENTS.format(where=where), parameters)
    ]


def outlines(db: sqlite3.Connection, fidelity: str) -> list[Outline]:
    """Return all experiments in outline, oldest first, scored at one fidelity."""
    scores = {row[0]: row[1:] for row in db.execute(_SCORES, (fidelity,))}
    rows = db.execute(f"{_LINES} ORDER BY e.number")
    return [Outline(*row, *scores.get(row[0], (0, 0, None))) for row in rows]


def that_contain(db: sqlite3.Connection, words: Collection[str]) -> set[str]:
    """Return the ids of the experiments whose texts contain every word; words are in lower case."""
    db.create_function("casefold", 1, str.casefold, deterministic=True)
    return set.intersection(*(_that_contain(db, word) for word in words))


def _that_contain(db: sqlite3.Connection, word: str) -> set[str]:
    # Table by table: joining all texts of each experiment first takes 1.4 times as long.
    matches = set[str]()
    for table, columns in _TEXTS.items():
        text = " || char(10) || ".join(f"coalesce({column}, '')" for column in columns)
        matches.update(
            row[0] for row in db.execute(f"SELECT {columns[0]} FROM {table} WHERE instr(casefold({text}), ?)", [word])
        )
    return matches


def vetoed(verdict: Verdict, author: str, words: str) -> Verdict:
    """Return the verdict on an accepted experiment after a veto; one that was not accepted stays as it is."""
    if verdict.verdict != "accepted":
        return verdict
    reason = f"{veto_text(author, words)}; before, it was accepted: {verdict.reason}"
    return replace(verdict, verdict="rejected", reason=reason)


def _verdict(row: sqlite3.Row) -> Verdict:
    interval = None if row["low"] is None else (row["low"], row["high"])
    return Verdict(row["verdict"], row["reason"], row["rival"], row["effect"], interval, row["p_value"], row["number"])

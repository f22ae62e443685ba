"""The tables of the ledger. Triggers refuse every UPDATE and DELETE, whoever asks."""

from __future__ import annotations

SCHEMA_VERSION = 1

TABLES = {
    "campaigns": (
        "name TEXT PRIMARY KEY, regime TEXT NOT NULL, dataset TEXT NOT NULL, base_commit TEXT NOT NULL, "
        "fidelity TEXT NOT NULL, created_at REAL NOT NULL"
    ),
    "sessions": "id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, born_at REAL NOT NULL, started_at REAL NOT NULL",
    "grants": (
        "id INTEGER PRIMARY KEY, given_at REAL NOT NULL, wall_s REAL NOT NULL, experiments INTEGER, "
        "asked_wall_s REAL NOT NULL, asked_experiments INTEGER"
    ),
    "blocks": "number INTEGER PRIMARY KEY, rung TEXT NOT NULL, opened_at REAL NOT NULL",
    "block_summaries": "block INTEGER PRIMARY KEY REFERENCES blocks(number), summary TEXT NOT NULL, closed_at REAL NOT NULL",
    "experiments": (
        "id TEXT PRIMARY KEY, block INTEGER NOT NULL REFERENCES blocks(number), parent TEXT REFERENCES experiments(id), "
        "rung TEXT NOT NULL, planner TEXT NOT NULL, hypothesis TEXT NOT NULL, changes TEXT NOT NULL, "
        "configuration TEXT NOT NULL, fingerprint TEXT NOT NULL UNIQUE, proposed_at REAL NOT NULL"
    ),
    "commits": "experiment TEXT PRIMARY KEY REFERENCES experiments(id), sha TEXT NOT NULL, committed_at REAL NOT NULL",
    "trial_starts": (
        "id INTEGER PRIMARY KEY, trial TEXT NOT NULL, experiment TEXT NOT NULL REFERENCES experiments(id), "
        "steps INTEGER NOT NULL, folder TEXT NOT NULL UNIQUE, pid INTEGER NOT NULL, started_at REAL NOT NULL"
    ),
    "trial_results": (
        "trial TEXT PRIMARY KEY, experiment TEXT NOT NULL REFERENCES experiments(id), seed INTEGER NOT NULL, "
        "fidelity TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL, scores TEXT NOT NULL, seconds REAL NOT NULL, "
        "folder TEXT NOT NULL, finished_at REAL NOT NULL"
    ),
    "verdicts": (
        "experiment TEXT PRIMARY KEY REFERENCES experiments(id), verdict TEXT NOT NULL, reason TEXT NOT NULL, rival TEXT, "
        "effect REAL, low REAL, high REAL, p_value REAL, judged_at REAL NOT NULL"
    ),
    "findings": (
        "id INTEGER PRIMARY KEY, block INTEGER NOT NULL REFERENCES blocks(number), kind TEXT NOT NULL, subject TEXT NOT NULL, "
        "statement TEXT NOT NULL, experiments TEXT NOT NULL, effect REAL, p_value REAL, found_at REAL NOT NULL"
    ),
    "spend": "id INTEGER PRIMARY KEY, kind TEXT NOT NULL, amount REAL NOT NULL, spent_at REAL NOT NULL",
    "events": "id INTEGER PRIMARY KEY, at REAL NOT NULL, message TEXT NOT NULL",
}

SCHEMA = [
    *(f"CREATE TABLE {name} ({columns}) STRICT" for name, columns in TABLES.items()),
    "CREATE INDEX trial_results_of ON trial_results(experiment)",
    "CREATE INDEX trial_starts_of ON trial_starts(trial)",
    *(
        f"CREATE TRIGGER {name}_no_{verb} BEFORE {verb} ON {name} BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for name in TABLES
        for verb in ("UPDATE", "DELETE")
    ),
]

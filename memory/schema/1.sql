-- The ledger. Nothing in it is ever changed: triggers made beside these tables refuse UPDATE and DELETE.
-- Times are seconds since the epoch, UTC. Columns named as JSON hold JSON.

CREATE TABLE campaigns (
    name        TEXT PRIMARY KEY,
    regime      TEXT NOT NULL,
    dataset     TEXT NOT NULL,      -- fingerprint of the frozen dataset
    base_commit TEXT NOT NULL,
    fidelity    TEXT NOT NULL,
    created_at  REAL NOT NULL
) STRICT;

CREATE TABLE sessions (             -- each run of a controller
    id          INTEGER PRIMARY KEY,
    pid         INTEGER NOT NULL,
    born_at     REAL NOT NULL,      -- of the process; tells it from a later one with the same pid
    started_at  REAL NOT NULL
) STRICT;

CREATE TABLE grants (               -- budgets, as totals of the campaign
    id                INTEGER PRIMARY KEY,
    given_at          REAL NOT NULL,
    wall_s            REAL NOT NULL,
    experiments       INTEGER,
    asked_wall_s      REAL NOT NULL,
    asked_experiments INTEGER
) STRICT;

CREATE TABLE blocks (
    number      INTEGER PRIMARY KEY,
    rung        TEXT NOT NULL,
    opened_at   REAL NOT NULL
) STRICT;

CREATE TABLE block_summaries (
    block       INTEGER PRIMARY KEY REFERENCES blocks (number),
    summary     TEXT NOT NULL,
    closed_at   REAL NOT NULL
) STRICT;

CREATE TABLE experiments (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    block         INTEGER NOT NULL REFERENCES blocks (number),
    parent        TEXT REFERENCES experiments (id),
    planner       TEXT NOT NULL,
    hypothesis    TEXT NOT NULL,
    changes       TEXT NOT NULL,          -- JSON
    configuration TEXT NOT NULL,          -- JSON
    fingerprint   TEXT NOT NULL UNIQUE,   -- of code and configuration: nothing is run twice
    proposed_at   REAL NOT NULL
) STRICT;

CREATE TABLE commits (
    experiment   TEXT PRIMARY KEY REFERENCES experiments (id),
    sha          TEXT NOT NULL,
    committed_at REAL NOT NULL
) STRICT;

CREATE TABLE trial_starts (
    id          INTEGER PRIMARY KEY,
    trial       TEXT NOT NULL,
    experiment  TEXT NOT NULL REFERENCES experiments (id),
    steps       INTEGER NOT NULL,
    folder      TEXT NOT NULL UNIQUE,
    pid         INTEGER NOT NULL,
    started_at  REAL NOT NULL
) STRICT;

CREATE TABLE trial_results (
    trial       TEXT PRIMARY KEY,         -- one result a trial, however often it was started
    experiment  TEXT NOT NULL REFERENCES experiments (id),
    seed        INTEGER NOT NULL,
    fidelity    TEXT NOT NULL,
    status      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    scores      TEXT NOT NULL,            -- JSON
    seconds     REAL NOT NULL,
    folder      TEXT NOT NULL,
    finished_at REAL NOT NULL
) STRICT;

CREATE TABLE verdicts (
    number      INTEGER PRIMARY KEY,      -- in the order of judgement, whatever the clock says
    experiment  TEXT NOT NULL UNIQUE REFERENCES experiments (id),
    verdict     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    rival       TEXT,
    effect      REAL,
    low         REAL,
    high        REAL,
    p_value     REAL,
    judged_at   REAL NOT NULL
) STRICT;

CREATE TABLE findings (
    id          INTEGER PRIMARY KEY,
    block       INTEGER NOT NULL REFERENCES blocks (number),
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    statement   TEXT NOT NULL,
    experiments TEXT NOT NULL,            -- JSON
    effect      REAL,
    p_value     REAL,
    found_at    REAL NOT NULL
) STRICT;

CREATE TABLE spend (
    id       INTEGER PRIMARY KEY,
    kind     TEXT NOT NULL,
    amount   REAL NOT NULL,
    spent_at REAL NOT NULL
) STRICT;

CREATE TABLE events (
    id      INTEGER PRIMARY KEY,
    at      REAL NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX trial_results_of ON trial_results (experiment);
CREATE INDEX trial_starts_of ON trial_starts (trial);

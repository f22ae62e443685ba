-- Version 3: what is measured outside the experiments of a campaign.

CREATE TABLE measurements (             -- one training outside the experiments, for ablations and verifications
    code        TEXT NOT NULL,          -- fingerprint of gnn/ and the whole configuration
    dataset     TEXT NOT NULL,          -- fingerprint
    seed        INTEGER NOT NULL,
    steps       INTEGER NOT NULL,
    scores      TEXT NOT NULL,          -- JSON, {} if it did not complete
    reason      TEXT NOT NULL,          -- why not; empty if it did
    measured_at REAL NOT NULL,
    PRIMARY KEY (code, dataset, seed, steps)
) STRICT;

CREATE TABLE ablations (                -- what one change is worth to the stack that it is part of
    number      INTEGER PRIMARY KEY,
    winner      TEXT NOT NULL REFERENCES experiments (id),
    left_out    TEXT NOT NULL REFERENCES experiments (id),
    effect      REAL,                   -- what is lost without it; none where the rest does not train
    low         REAL,
    high        REAL,
    seeds       TEXT NOT NULL,          -- JSON
    verdict     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at          REAL NOT NULL
) STRICT;

CREATE TABLE verifications (            -- an experiment on networks that it has never seen
    number      INTEGER PRIMARY KEY,
    experiment  TEXT NOT NULL REFERENCES experiments (id),
    fidelity    TEXT NOT NULL,
    seed        INTEGER NOT NULL,
    siblings    TEXT NOT NULL,          -- JSON
    gain        REAL,
    low         REAL,
    high        REAL,
    verdict     TEXT NOT NULL,
    at          REAL NOT NULL
) STRICT;

-- Version 2: experiments that change code, the ladder's decisions, and calls of a model.

CREATE TABLE proposals (                -- what an experiment was proposed as; the first version's were all sweeps
    experiment TEXT PRIMARY KEY REFERENCES experiments (id),
    role       TEXT NOT NULL,
    move       TEXT,                    -- of the catalogue, where the change is one
    patch      TEXT NOT NULL,           -- unified diff of gnn/ against the parent; empty for a configuration
    repairs    TEXT REFERENCES experiments (id)
) STRICT;

CREATE TABLE landings (                 -- the commit that carries the verdict
    experiment TEXT PRIMARY KEY REFERENCES experiments (id),
    sha        TEXT NOT NULL,
    landed_at  REAL NOT NULL
) STRICT;

CREATE TABLE decisions (                -- whose turn it is, and why
    block      INTEGER PRIMARY KEY REFERENCES blocks (number),
    chance     REAL,
    reason     TEXT NOT NULL
) STRICT;

CREATE TABLE calls (                    -- one request to a model, answered or not
    id         INTEGER PRIMARY KEY,
    planner    TEXT NOT NULL,
    model      TEXT NOT NULL,
    prompt     TEXT NOT NULL,           -- hash of what was sent
    tokens_in  INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    dollars    REAL NOT NULL,
    seconds    REAL NOT NULL,
    outcome    TEXT NOT NULL,
    called_at  REAL NOT NULL
) STRICT;

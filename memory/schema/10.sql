-- Version 10: interventions of the user, and the idea that an experiment tries.

CREATE TABLE interventions (
    number     INTEGER PRIMARY KEY,
    session    INTEGER REFERENCES sessions (id),  -- that of the controller that took it up
    source     TEXT NOT NULL,           -- the file that it came in, which is taken up once
    kind       TEXT NOT NULL,           -- idea, veto, unveto, pin, unpin, pause, resume or stop
    author     TEXT NOT NULL,           -- the user's name
    given_at   REAL NOT NULL,
    experiment TEXT REFERENCES experiments (id),  -- that of a veto or a pin
    words      TEXT NOT NULL,
    changes    TEXT NOT NULL,           -- JSON, of an idea
    patch      TEXT NOT NULL,           -- unified diff of gnn/, of an idea
    score      REAL                     -- at which to stop
) STRICT;

CREATE INDEX interventions_on ON interventions (experiment);

ALTER TABLE proposals ADD COLUMN idea INTEGER REFERENCES interventions (number);  -- of the user; none of a planner's
ALTER TABLE proposals ADD COLUMN author TEXT NOT NULL DEFAULT '';  -- the user whose idea it is

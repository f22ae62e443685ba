-- Version 5: controllers that came to their end, and an index that gives the score of a trial without reading all of them.
-- The evidence of a finding may be written as spans, "e0001..e0312", and a controller's birth is counted from the start
-- of the machine: versions before this one would misread both.

CREATE TABLE endings (                  -- a controller that was killed has none
    session  INTEGER PRIMARY KEY REFERENCES sessions (id),
    ended_at REAL NOT NULL
) STRICT;

INSERT INTO endings SELECT id, started_at FROM sessions;

CREATE INDEX exact_of ON trial_results (experiment, fidelity, status, json_extract(scores, '$.exact'));

-- Version 9: trials on sibling networks, for judging alone; experiments that combine others; diagnoses; and the request
-- that a proposal answers.

ALTER TABLE trial_results ADD COLUMN sibling INTEGER NOT NULL DEFAULT 0;  -- its number, 0 for the campaign's own network

DROP INDEX score_of;

CREATE INDEX score_of ON trial_results
    (experiment, sibling, fidelity, status, coalesce(json_extract(scores, '$.exact'), json_extract(scores, '$.blind')));

ALTER TABLE proposals ADD COLUMN combines TEXT NOT NULL DEFAULT '';  -- names, separated by spaces
ALTER TABLE proposals ADD COLUMN kind TEXT NOT NULL DEFAULT 'candidate';  -- or 'diagnosis'
ALTER TABLE proposals ADD COLUMN prompt TEXT NOT NULL DEFAULT '';  -- that of a row in calls; empty without one

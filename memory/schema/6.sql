-- Version 6: the score that a campaign optimises: `exact` where the truth is known, else `blind`; and the index that gives it.

ALTER TABLE campaigns ADD COLUMN objective TEXT NOT NULL DEFAULT 'exact';

DROP INDEX exact_of;

CREATE INDEX score_of ON trial_results
    (experiment, fidelity, status, coalesce(json_extract(scores, '$.exact'), json_extract(scores, '$.blind')));

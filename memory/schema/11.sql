-- Version 11: the support of the data for an answer, by which measurements are judged.

DROP INDEX score_of;

CREATE INDEX score_of ON trial_results (
    experiment, sibling, fidelity, status,
    coalesce(json_extract(scores, '$.exact'), json_extract(scores, '$.support'), json_extract(scores, '$.blind'))
);

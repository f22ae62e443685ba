-- Version 5: the score of a trial can be found without reading all its scores. Nothing else is new, but the evidence of a
-- finding may be written as spans, "e0001..e0312", and a controller's birth is counted from the start of the machine:
-- versions before this one would misread both.

CREATE INDEX exact_of ON trial_results (experiment, fidelity, status, json_extract(scores, '$.exact'));

-- Version 12: the kind of processor of a trial.

ALTER TABLE trial_results ADD COLUMN device TEXT;  -- cpu or gpu; none in trials before this version

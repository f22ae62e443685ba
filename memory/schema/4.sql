-- Version 4: what a trial was scored by and against, as SHA-256; none for trials before this version.

ALTER TABLE trial_results ADD COLUMN analyzer TEXT;   -- the code that scores
ALTER TABLE trial_results ADD COLUMN dataset TEXT;
ALTER TABLE trial_results ADD COLUMN truth TEXT;

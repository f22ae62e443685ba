-- Version 7: a short title beside the hypothesis; empty for proposals before this version.

ALTER TABLE proposals ADD COLUMN title TEXT NOT NULL DEFAULT '';

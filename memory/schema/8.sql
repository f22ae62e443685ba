-- Version 8: how a controller ended, and the command that resumes its campaign.

ALTER TABLE sessions ADD COLUMN command TEXT NOT NULL DEFAULT '';  -- empty for sessions before this version

ALTER TABLE endings ADD COLUMN kind TEXT NOT NULL DEFAULT 'stopped';
ALTER TABLE endings ADD COLUMN words TEXT NOT NULL DEFAULT 'by an earlier version, which kept no reason';

-- Earlier versions told of an error or an interruption in the log alone.
INSERT INTO endings (session, ended_at, kind, words)
SELECT s.id, e.at, iif(e.message LIKE '%KeyboardInterrupt%', 'interrupted', 'crashed'),
    iif(e.message LIKE '%KeyboardInterrupt%', 'interrupted by a signal', substr(e.message, length('controller stopped by ') + 1))
FROM (SELECT * FROM sessions ORDER BY id DESC LIMIT 1) s,
    (SELECT * FROM events WHERE message LIKE 'controller stopped%' ORDER BY id DESC LIMIT 1) e
WHERE e.at >= s.started_at AND e.message LIKE 'controller stopped by %' AND s.id NOT IN (SELECT session FROM endings);

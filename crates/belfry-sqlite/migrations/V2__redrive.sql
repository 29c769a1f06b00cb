-- How many times the message of a run's present attempt was given up for lost.
ALTER TABLE workflow_runs ADD COLUMN redrives INTEGER NOT NULL DEFAULT 0;

-- Whether a queued run is overdue depends on how often it was redriven: each count is an interval of its own, so that those
-- that are overdue stand together.
CREATE INDEX workflow_runs_queued ON workflow_runs (queue, redrives, queued_at, id) WHERE state = 'queued';

-- A statement that compares the state of a run that it knows by its id must go by the primary key. The planner took a partial index
-- on that state instead, and walked through all of it for each row: an index that was empty when it was last vacuumed looks cheaper
-- than any other. So the condition of each has a second part, which holds for every such row, and which only those statements
-- state that mean to walk along that index.

DROP INDEX workflow_runs_pending, workflow_runs_pending_by_queue, workflow_runs_queued, workflow_runs_running, workflow_runs_live;

CREATE INDEX workflow_runs_pending ON workflow_runs (publish_at, id)
    WHERE state = 'pending' AND publish_at IS NOT NULL;

CREATE INDEX workflow_runs_pending_by_queue ON workflow_runs (queue, publish_at, id)
    WHERE state = 'pending' AND publish_at IS NOT NULL;

CREATE INDEX workflow_runs_queued ON workflow_runs (queue, redrives, queued_at, id)
    WHERE state = 'queued' AND queued_at IS NOT NULL;

CREATE INDEX workflow_runs_running ON workflow_runs (claim_until, id)
    WHERE state = 'running' AND claim_until IS NOT NULL;

CREATE INDEX workflow_runs_live ON workflow_runs (workflow_id, planned_at, id)
    WHERE state IN ('pending', 'queued', 'running') AND finished_at IS NULL;

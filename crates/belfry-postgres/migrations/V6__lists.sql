-- What lists ask for that is rare among much. A fire enters none of these indexes, but for the schedules that failed: it makes and
-- changes no other row that one of them holds.

CREATE INDEX workflows_by_tag ON workflows USING gin (tags) WHERE deleted_at IS NULL;

CREATE INDEX scheduled_workflows_paused ON scheduled_workflows (id) WHERE NOT is_active AND deleted_at IS NULL;

CREATE INDEX scheduled_workflows_failing ON scheduled_workflows (id) WHERE failure_count > 0 AND deleted_at IS NULL;

-- As with every partial index of runs, a second part that only those statements state which mean to walk along it (V3).
CREATE INDEX workflow_runs_ended_otherwise ON workflow_runs (planned_at, id)
    WHERE state IN ('failed', 'cancelled', 'worker_lost', 'unclaimed') AND finished_at IS NOT NULL;

-- Marking a handoff enters this one; where nothing is handed off it is empty, and says so at once.
CREATE INDEX workflow_runs_delivered ON workflow_runs (planned_at, id)
    WHERE state = 'delivered' AND finished_at IS NOT NULL;

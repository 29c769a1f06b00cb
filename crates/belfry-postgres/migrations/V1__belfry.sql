-- The tables of Belfry on PostgreSQL. Instants are whole milliseconds. Partial indexes cover only what is live: history
-- grows, they do not. What is updated has room on its pages and is vacuumed by its own measure.

-- The clock of a statement. It stands for its expression (the planner inlines it), and every instant that is written comes
-- from it: never clock_timestamp(), which no index can serve, and never now(), which is when the transaction began.
CREATE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN date_trunc('milliseconds', statement_timestamp());

CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    version bigint NOT NULL,
    tags text[] NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);

CREATE UNIQUE INDEX workflows_living_name ON workflows (name) WHERE deleted_at IS NULL;

-- JSON is kept as it was written: `json`, not `jsonb`, which rewrites numbers and refuses \u0000.
CREATE TABLE workflow_versions (
    workflow_id uuid NOT NULL REFERENCES workflows (id),
    version bigint NOT NULL,
    definition json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, version)
);

-- Hot and of a fixed size: what a schedule says is in its revisions.
CREATE TABLE scheduled_workflows (
    id uuid PRIMARY KEY,
    workflow_id uuid NOT NULL REFERENCES workflows (id),
    name text NOT NULL,
    origin text NOT NULL,
    is_active boolean NOT NULL,
    revision bigint NOT NULL,
    shard smallint NOT NULL,
    next_nominal_at timestamptz,
    next_run_at timestamptz,
    last_run_at timestamptz,
    run_count bigint NOT NULL DEFAULT 0,
    failure_count bigint NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
) WITH (
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX scheduled_workflows_due ON scheduled_workflows (next_run_at, id)
    WHERE is_active AND next_run_at IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX scheduled_workflows_living_name ON scheduled_workflows (workflow_id, name) WHERE deleted_at IS NULL;

-- What a schedule says, and what its runs take from its workflow, as both stood at one revision. The input stands beside
-- the rest of the content: runs show it without reading the specs.
CREATE TABLE schedule_revisions (
    schedule_id uuid NOT NULL REFERENCES scheduled_workflows (id),
    revision bigint NOT NULL,
    content json NOT NULL,
    input json NOT NULL,
    workflow_name text NOT NULL,
    workflow_version bigint NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (schedule_id, revision)
);

-- An id begins with `planned_at`, so that an id alone finds its partition. `input` is NULL where it is that of the
-- schedule's revision. `is_orphaned`: its schedule or workflow was deleted while it ran, it must not be pending again.
-- No foreign keys: history outlives what it tells of, and firing locks no row but the schedule's.
CREATE TABLE workflow_runs (
    id uuid NOT NULL,
    planned_at timestamptz NOT NULL,
    workflow_id uuid NOT NULL,
    workflow_version bigint NOT NULL,
    schedule_id uuid,
    schedule_revision bigint,
    kind text NOT NULL,
    reason text NOT NULL,
    nominal_time timestamptz,
    due_at timestamptz NOT NULL,
    state text NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    input json,
    attempt bigint NOT NULL DEFAULT 0,
    claim_epoch bigint NOT NULL DEFAULT 0,
    claim_token uuid,
    claimed_by text,
    claim_until timestamptz,
    lost_claims bigint NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    is_orphaned boolean NOT NULL DEFAULT FALSE,
    publisher uuid,
    publish_at timestamptz NOT NULL,
    publish_seq bigint NOT NULL DEFAULT 1,
    publish_failures bigint NOT NULL DEFAULT 0,
    publish_error text,
    created_at timestamptz NOT NULL,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    error text,
    PRIMARY KEY (planned_at, id)
) PARTITION BY RANGE (planned_at);

-- The second wall: one run an occurrence. It contains the partition key, so it holds over all partitions.
CREATE UNIQUE INDEX workflow_runs_occurrence ON workflow_runs (schedule_id, planned_at) WHERE schedule_id IS NOT NULL;

CREATE INDEX workflow_runs_by_workflow ON workflow_runs (workflow_id, planned_at, id);

CREATE INDEX workflow_runs_pending ON workflow_runs (publish_at, id) WHERE state = 'pending';

CREATE INDEX workflow_runs_running ON workflow_runs (claim_until, id) WHERE state = 'running';

CREATE INDEX workflow_runs_live ON workflow_runs (workflow_id, planned_at, id) WHERE state IN ('pending', 'queued', 'running');

-- Where a month has no partition of its own. Firing stops where there is none at all.
CREATE TABLE workflow_runs_default PARTITION OF workflow_runs DEFAULT WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000
);

-- The order in which nodes were begun.
CREATE SEQUENCE run_nodes_place;

-- Partitioned as its runs are, so that a month is dropped whole.
CREATE TABLE run_nodes (
    run_planned_at timestamptz NOT NULL,
    run_id uuid NOT NULL,
    node_id text NOT NULL,
    place bigint NOT NULL DEFAULT nextval('run_nodes_place'),
    state text NOT NULL,
    output json NOT NULL,
    output_truncated boolean NOT NULL,
    log text NOT NULL,
    error text,
    attempts bigint NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    wait_until timestamptz,
    PRIMARY KEY (run_planned_at, run_id, node_id)
) PARTITION BY RANGE (run_planned_at);

CREATE TABLE run_nodes_default PARTITION OF run_nodes DEFAULT;

-- Occurrences that did not fire: each from `from_at` to `to_at`, both inclusive, but those that have a row of their own.
CREATE TABLE occurrence_outcomes (
    schedule_id uuid NOT NULL,
    revision bigint NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK (from_at <= to_at)
);

CREATE INDEX occurrence_outcomes_latest ON occurrence_outcomes (schedule_id, to_at, from_at);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

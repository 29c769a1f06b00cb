CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
, scopes TEXT NOT NULL DEFAULT 'read,write,work', expires_at INTEGER) STRICT;

CREATE TABLE calendar_bases (
    base TEXT NOT NULL,
    calendar TEXT NOT NULL REFERENCES calendars (name),
    PRIMARY KEY (base, calendar)
) STRICT;

CREATE INDEX calendar_bases_by_calendar ON calendar_bases (calendar, base);

CREATE TABLE calendar_revisions (
    name TEXT NOT NULL REFERENCES calendars (name),
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT;

CREATE TABLE calendars (
    name TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE TABLE idempotency_keys (
    owner BLOB NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    claim INTEGER NOT NULL,
    held_until INTEGER NOT NULL,
    status INTEGER,
    etag TEXT,
    location TEXT,
    body TEXT,
    PRIMARY KEY (owner, key)
) STRICT;

CREATE INDEX idempotency_keys_made ON idempotency_keys (made_at);

CREATE TABLE occurrence_outcomes (
    schedule_id BLOB NOT NULL REFERENCES scheduled_workflows (id),
    revision INTEGER NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    CHECK (from_at <= to_at)
) STRICT;

CREATE INDEX occurrence_outcomes_latest ON occurrence_outcomes (schedule_id, to_at, from_at);

CREATE TABLE queue_messages (
    id INTEGER NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    run_id BLOB NOT NULL
) STRICT;

CREATE INDEX queue_messages_by_queue ON queue_messages (queue, id);

CREATE TABLE run_nodes (
    run_id BLOB NOT NULL REFERENCES workflow_runs (id),
    node_id TEXT NOT NULL,
    state TEXT NOT NULL,
    output TEXT NOT NULL,
    output_truncated INTEGER NOT NULL,
    log TEXT NOT NULL,
    error TEXT,
    attempts INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    wait_until INTEGER,
    PRIMARY KEY (run_id, node_id)
) STRICT;

CREATE TABLE schedule_calendars (
    calendar TEXT NOT NULL,
    schedule_id BLOB NOT NULL REFERENCES scheduled_workflows (id),
    PRIMARY KEY (calendar, schedule_id)
) STRICT;

CREATE INDEX schedule_calendars_by_schedule ON schedule_calendars (schedule_id);

CREATE TABLE schedule_revisions (
    schedule_id BLOB NOT NULL REFERENCES scheduled_workflows (id),
    revision INTEGER NOT NULL,
    content TEXT NOT NULL,
    input TEXT NOT NULL,
    workflow_name TEXT NOT NULL,
    workflow_version INTEGER NOT NULL,
    queue TEXT NOT NULL,
    delivery TEXT NOT NULL,
    created_at INTEGER NOT NULL, name TEXT, is_active INTEGER,
    PRIMARY KEY (schedule_id, revision)
) STRICT;

CREATE TABLE scheduled_workflows (
    id BLOB NOT NULL PRIMARY KEY,
    workflow_id BLOB NOT NULL REFERENCES workflows (id),
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    next_nominal_at INTEGER,
    next_run_at INTEGER,
    last_run_at INTEGER,
    run_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE INDEX scheduled_workflows_by_name ON scheduled_workflows (name, id) WHERE deleted_at IS NULL;

CREATE INDEX scheduled_workflows_due ON scheduled_workflows (next_run_at, id)
    WHERE is_active AND next_run_at IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX scheduled_workflows_living_name ON scheduled_workflows (workflow_id, name) WHERE deleted_at IS NULL;

CREATE TABLE store_clock (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    last_now INTEGER NOT NULL
) STRICT;

CREATE TABLE workflow_runs (
    id BLOB NOT NULL PRIMARY KEY,
    planned_at INTEGER NOT NULL,
    workflow_id BLOB NOT NULL,
    workflow_version INTEGER NOT NULL,
    schedule_id BLOB,
    schedule_revision INTEGER,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    nominal_time INTEGER,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    queue TEXT NOT NULL,
    delivery TEXT NOT NULL,
    input TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    claim_epoch INTEGER NOT NULL DEFAULT 0,
    claim_token BLOB,
    claimed_by TEXT,
    claim_until INTEGER,
    lost_claims INTEGER NOT NULL DEFAULT 0,
    cancel_requested_at INTEGER,
    is_orphaned INTEGER NOT NULL DEFAULT 0,
    publisher BLOB,
    publish_at INTEGER NOT NULL,
    publish_seq INTEGER NOT NULL DEFAULT 1,
    publish_failures INTEGER NOT NULL DEFAULT 0,
    publish_error TEXT,
    created_at INTEGER NOT NULL,
    queued_at INTEGER,
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT
, redrives INTEGER NOT NULL DEFAULT 0, rerun_of BLOB, progress TEXT, output TEXT, output_truncated INTEGER, log TEXT) STRICT;

CREATE INDEX workflow_runs_by_workflow ON workflow_runs (workflow_id, id);

CREATE INDEX workflow_runs_live ON workflow_runs (workflow_id, id) WHERE state IN ('pending', 'queued', 'running');

CREATE UNIQUE INDEX workflow_runs_occurrence ON workflow_runs (schedule_id, planned_at) WHERE schedule_id IS NOT NULL;

CREATE INDEX workflow_runs_pending ON workflow_runs (publish_at, id) WHERE state = 'pending';

CREATE INDEX workflow_runs_pending_by_queue ON workflow_runs (queue, publish_at, id) WHERE state = 'pending';

CREATE INDEX workflow_runs_queued ON workflow_runs (queue, redrives, queued_at, id) WHERE state = 'queued';

CREATE INDEX workflow_runs_running ON workflow_runs (claim_until, id) WHERE state = 'running';

CREATE TABLE workflow_versions (
    workflow_id BLOB NOT NULL REFERENCES workflows (id),
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, version)
) STRICT;

CREATE TABLE workflows (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    version INTEGER NOT NULL,
    tags TEXT NOT NULL,
    queue TEXT NOT NULL,
    delivery TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE INDEX workflows_by_name ON workflows (name, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX workflows_living_name ON workflows (name) WHERE deleted_at IS NULL;

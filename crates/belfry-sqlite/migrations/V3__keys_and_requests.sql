-- What a key may do, and until when. A key that a version before this makes may do everything.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read,write,work';

ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;

-- Requests that may be sent again, for a day. `request` is the hash of the whole request; `status` is NULL until it is answered,
-- and until `held_until` the claim numbered `claim` carries it out.
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

-- Of a run of kind `rerun`, which is kept as `manual`: a version before this knows no other word.
ALTER TABLE workflow_runs ADD COLUMN rerun_of BLOB;

-- For those who ask one queue for work.
CREATE INDEX workflow_runs_pending_by_queue ON workflow_runs (queue, publish_at, id) WHERE state = 'pending';

-- What a revision was beside its content; NULL where a version before this wrote it.
ALTER TABLE schedule_revisions ADD COLUMN name TEXT;

ALTER TABLE schedule_revisions ADD COLUMN is_active INTEGER;

-- Lists by name, in the order of bytes.
CREATE INDEX workflows_by_name ON workflows (name, id) WHERE deleted_at IS NULL;

CREATE INDEX scheduled_workflows_by_name ON scheduled_workflows (name, id) WHERE deleted_at IS NULL;

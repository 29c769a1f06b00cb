-- What a key may do, and until when. A key that a version before this makes may do everything.
ALTER TABLE api_keys ADD COLUMN scopes text NOT NULL DEFAULT 'read,write,work';

ALTER TABLE api_keys ADD COLUMN expires_at timestamptz;

-- Requests that may be sent again, for a day. `request` is the hash of the whole request; `status` is NULL until it is answered,
-- and until `held_until` the claim numbered `claim` carries it out.
CREATE TABLE idempotency_keys (
    owner uuid NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    made_at timestamptz NOT NULL,
    claim bigint NOT NULL,
    held_until timestamptz NOT NULL,
    status bigint,
    etag text,
    location text,
    body text,
    PRIMARY KEY (owner, key)
);

CREATE INDEX idempotency_keys_made ON idempotency_keys (made_at);

-- Of a run of kind `rerun`, which is kept as `manual`: a version before this knows no other word.
ALTER TABLE workflow_runs ADD COLUMN rerun_of uuid;

-- What a revision was beside its content; NULL where a version before this wrote it.
ALTER TABLE schedule_revisions ADD COLUMN name text;

ALTER TABLE schedule_revisions ADD COLUMN is_active boolean;

-- Lists by name, in the order of bytes.
CREATE INDEX workflows_by_name ON workflows (name COLLATE "C", id) WHERE deleted_at IS NULL;

CREATE INDEX scheduled_workflows_by_name ON scheduled_workflows (name COLLATE "C", id) WHERE deleted_at IS NULL;

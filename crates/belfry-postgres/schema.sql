CREATE SEQUENCE run_nodes_place;

CREATE OR REPLACE FUNCTION public.store_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN date_trunc('milliseconds'::text, statement_timestamp());

CREATE TABLE api_keys (
    id uuid NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    scopes text NOT NULL DEFAULT 'read,write,work'::text,
    expires_at timestamp with time zone,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_hash_key UNIQUE (hash)
);

CREATE TABLE calendar_bases (
    base text NOT NULL,
    calendar text NOT NULL,
    CONSTRAINT calendar_bases_pkey PRIMARY KEY (base, calendar),
    CONSTRAINT calendar_bases_calendar_fkey FOREIGN KEY (calendar) REFERENCES calendars(name)
);

CREATE INDEX calendar_bases_by_calendar ON public.calendar_bases USING btree (calendar, base);

CREATE TABLE calendar_revisions (
    name text NOT NULL,
    revision bigint NOT NULL,
    document json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT calendar_revisions_pkey PRIMARY KEY (name, revision),
    CONSTRAINT calendar_revisions_name_fkey FOREIGN KEY (name) REFERENCES calendars(name)
);

CREATE TABLE calendars (
    name text NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT calendars_pkey PRIMARY KEY (name)
);

CREATE TABLE idempotency_keys (
    owner uuid NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    claim bigint NOT NULL,
    held_until timestamp with time zone NOT NULL,
    status bigint,
    etag text,
    location text,
    body text,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner, key)
);

CREATE INDEX idempotency_keys_made ON public.idempotency_keys USING btree (made_at);

CREATE UNLOGGED TABLE members (
    id uuid NOT NULL,
    is_draining boolean NOT NULL,
    behind_since timestamp with time zone,
    progressed_at timestamp with time zone,
    beaten_at timestamp with time zone NOT NULL,
    joined boolean NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (id)
) WITH (fillfactor=10, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=100, autovacuum_vacuum_cost_delay=0);

CREATE TABLE occurrence_outcomes (
    schedule_id uuid NOT NULL,
    revision bigint NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT occurrence_outcomes_check CHECK ((from_at <= to_at))
);

CREATE INDEX occurrence_outcomes_latest ON public.occurrence_outcomes USING btree (schedule_id, to_at, from_at);

CREATE INDEX occurrence_outcomes_recorded ON public.occurrence_outcomes USING btree (recorded_at);

CREATE TABLE queue_messages (
    queue text NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    run_id uuid NOT NULL,
    deliveries bigint NOT NULL DEFAULT 0,
    held_until timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp with time zone,
    CONSTRAINT queue_messages_pkey PRIMARY KEY (queue, id)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000, autovacuum_vacuum_insert_threshold=-1, autovacuum_vacuum_cost_delay=0, autovacuum_analyze_scale_factor=0, autovacuum_analyze_threshold=10000);

CREATE TABLE run_nodes (
    run_planned_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    node_id text NOT NULL,
    place bigint NOT NULL DEFAULT nextval('run_nodes_place'::regclass),
    state text NOT NULL,
    output json NOT NULL,
    output_truncated boolean NOT NULL,
    log text NOT NULL,
    error text,
    attempts bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    wait_until timestamp with time zone,
    CONSTRAINT run_nodes_pkey PRIMARY KEY (run_planned_at, run_id, node_id)
) PARTITION BY RANGE (run_planned_at);

CREATE TABLE run_nodes_default PARTITION OF run_nodes DEFAULT;

CREATE TABLE schedule_calendars (
    calendar text NOT NULL,
    schedule_id uuid NOT NULL,
    CONSTRAINT schedule_calendars_pkey PRIMARY KEY (calendar, schedule_id),
    CONSTRAINT schedule_calendars_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES scheduled_workflows(id)
);

CREATE INDEX schedule_calendars_by_schedule ON public.schedule_calendars USING btree (schedule_id);

CREATE TABLE schedule_revisions (
    schedule_id uuid NOT NULL,
    revision bigint NOT NULL,
    content json NOT NULL,
    input json NOT NULL,
    workflow_name text NOT NULL,
    workflow_version bigint NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    name text,
    is_active boolean,
    CONSTRAINT schedule_revisions_pkey PRIMARY KEY (schedule_id, revision),
    CONSTRAINT schedule_revisions_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES scheduled_workflows(id)
);

CREATE TABLE scheduled_workflows (
    id uuid NOT NULL,
    workflow_id uuid NOT NULL,
    name text NOT NULL,
    origin text NOT NULL,
    is_active boolean NOT NULL,
    revision bigint NOT NULL,
    shard smallint NOT NULL,
    next_nominal_at timestamp with time zone,
    next_run_at timestamp with time zone,
    last_run_at timestamp with time zone,
    run_count bigint NOT NULL DEFAULT 0,
    failure_count bigint NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT scheduled_workflows_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_workflows_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES workflows(id)
) WITH (fillfactor=60, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=500, autovacuum_vacuum_cost_delay=0);

CREATE INDEX scheduled_workflows_by_name ON public.scheduled_workflows USING btree (name COLLATE "C", id) WHERE (deleted_at IS NULL);

CREATE INDEX scheduled_workflows_due ON public.scheduled_workflows USING btree (next_run_at, id) WHERE (is_active AND (next_run_at IS NOT NULL) AND (deleted_at IS NULL));

CREATE INDEX scheduled_workflows_failing ON public.scheduled_workflows USING btree (id) WHERE ((failure_count > 0) AND (deleted_at IS NULL));

CREATE UNIQUE INDEX scheduled_workflows_living_name ON public.scheduled_workflows USING btree (workflow_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX scheduled_workflows_paused ON public.scheduled_workflows USING btree (id) WHERE ((NOT is_active) AND (deleted_at IS NULL));

CREATE TABLE workflow_runs (
    id uuid NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    workflow_id uuid NOT NULL,
    workflow_version bigint NOT NULL,
    schedule_id uuid,
    schedule_revision bigint,
    kind text NOT NULL,
    reason text NOT NULL,
    nominal_time timestamp with time zone,
    due_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    input json,
    attempt bigint NOT NULL DEFAULT 0,
    claim_epoch bigint NOT NULL DEFAULT 0,
    claim_token uuid,
    claimed_by text,
    claim_until timestamp with time zone,
    lost_claims bigint NOT NULL DEFAULT 0,
    cancel_requested_at timestamp with time zone,
    is_orphaned boolean NOT NULL DEFAULT false,
    publisher uuid,
    publish_at timestamp with time zone NOT NULL,
    publish_seq bigint NOT NULL DEFAULT 1,
    publish_failures bigint NOT NULL DEFAULT 0,
    publish_error text,
    created_at timestamp with time zone NOT NULL,
    queued_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    error text,
    redrives bigint NOT NULL DEFAULT 0,
    rerun_of uuid,
    progress text,
    output json,
    output_truncated boolean,
    log text,
    CONSTRAINT workflow_runs_pkey PRIMARY KEY (planned_at, id)
) PARTITION BY RANGE (planned_at);

CREATE INDEX workflow_runs_by_workflow ON ONLY public.workflow_runs USING btree (workflow_id, planned_at, id);

CREATE INDEX workflow_runs_delivered ON ONLY public.workflow_runs USING btree (planned_at, id) WHERE ((state = 'delivered'::text) AND (finished_at IS NOT NULL));

CREATE INDEX workflow_runs_ended_otherwise ON ONLY public.workflow_runs USING btree (planned_at, id) WHERE ((state = ANY (ARRAY['failed'::text, 'cancelled'::text, 'worker_lost'::text, 'unclaimed'::text])) AND (finished_at IS NOT NULL));

CREATE INDEX workflow_runs_live ON ONLY public.workflow_runs USING btree (workflow_id, planned_at, id) WHERE ((state = ANY (ARRAY['pending'::text, 'queued'::text, 'running'::text])) AND (finished_at IS NULL));

CREATE UNIQUE INDEX workflow_runs_occurrence ON ONLY public.workflow_runs USING btree (schedule_id, planned_at) WHERE (schedule_id IS NOT NULL);

CREATE INDEX workflow_runs_pending ON ONLY public.workflow_runs USING btree (publish_at, id) WHERE ((state = 'pending'::text) AND (publish_at IS NOT NULL));

CREATE INDEX workflow_runs_pending_by_queue ON ONLY public.workflow_runs USING btree (queue, publish_at, id) WHERE ((state = 'pending'::text) AND (publish_at IS NOT NULL));

CREATE INDEX workflow_runs_queued ON ONLY public.workflow_runs USING btree (queue, redrives, queued_at, id) WHERE ((state = 'queued'::text) AND (queued_at IS NOT NULL));

CREATE INDEX workflow_runs_running ON ONLY public.workflow_runs USING btree (claim_until, id) WHERE ((state = 'running'::text) AND (claim_until IS NOT NULL));

CREATE TABLE workflow_runs_default PARTITION OF workflow_runs DEFAULT WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000);

CREATE TABLE workflow_versions (
    workflow_id uuid NOT NULL,
    version bigint NOT NULL,
    definition json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT workflow_versions_pkey PRIMARY KEY (workflow_id, version),
    CONSTRAINT workflow_versions_workflow_id_fkey FOREIGN KEY (workflow_id) REFERENCES workflows(id)
);

CREATE TABLE workflows (
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    version bigint NOT NULL,
    tags text[] NOT NULL,
    queue text NOT NULL,
    delivery text NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT workflows_pkey PRIMARY KEY (id)
);

CREATE INDEX workflows_by_name ON public.workflows USING btree (name COLLATE "C", id) WHERE (deleted_at IS NULL);

CREATE INDEX workflows_by_tag ON public.workflows USING gin (tags) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX workflows_living_name ON public.workflows USING btree (name) WHERE (deleted_at IS NULL);

-- Daemons that share the work, runs whose messages are lost, history that goes, and a queue for those without a broker.

-- Who lives. Unlogged: a beat waits neither for the disk nor for a standby, so that a slow one makes nobody look dead. After a
-- crash or a failover it is empty, which only means that everybody joins anew; what the dead held is swept when its lease is
-- over. Each row is rewritten every second, so there is room beside it.
CREATE UNLOGGED TABLE members (
    id uuid PRIMARY KEY,
    is_draining boolean NOT NULL,
    behind_since timestamptz,
    progressed_at timestamptz,
    beaten_at timestamptz NOT NULL,
    joined boolean NOT NULL
) WITH (
    fillfactor = 10,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 100,
    autovacuum_vacuum_cost_delay = 0
);

-- How many times the message of the present attempt was given up for lost.
ALTER TABLE workflow_runs ADD COLUMN redrives bigint NOT NULL DEFAULT 0;

-- How long a run is left queued depends on its redrives: with both, the overdue ones are the first of each range, however many
-- wait behind them.
CREATE INDEX workflow_runs_queued ON workflow_runs (queue, redrives, queued_at, id) WHERE state = 'queued';

-- For a sweep that passes over the queues in trouble, however much of theirs is pending.
CREATE INDEX workflow_runs_pending_by_queue ON workflow_runs (queue, publish_at, id) WHERE state = 'pending';

-- For the retention, which asks what was recorded long ago.
CREATE INDEX occurrence_outcomes_recorded ON occurrence_outcomes (recorded_at);

-- The embedded queue, in the order of `id`. A message is held by who took it last, until `held_until`; each taking raises
-- `deliveries`, so that a late word on an earlier one fits no more. It lives for moments: no column of an index changes, the
-- pages have room, and it is vacuumed by its own measure. No index on `id` alone: a plan that takes one queue's oldest would walk
-- along it through the messages of all others.
CREATE TABLE queue_messages (
    queue text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    run_id uuid NOT NULL,
    deliveries bigint NOT NULL DEFAULT 0,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (queue, id)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 10000
);

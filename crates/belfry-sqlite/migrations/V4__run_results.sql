-- What a worker outside Belfry says of its run as a whole: how far it is, and what it leaves at the end. NULL where nothing is
-- said, as in every run that fires and in every run of Belfry's own workers.
ALTER TABLE workflow_runs ADD COLUMN progress TEXT;

ALTER TABLE workflow_runs ADD COLUMN output TEXT;

ALTER TABLE workflow_runs ADD COLUMN output_truncated INTEGER;

ALTER TABLE workflow_runs ADD COLUMN log TEXT;

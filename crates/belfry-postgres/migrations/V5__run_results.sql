-- What a worker outside Belfry says of its run as a whole: how far it is, and what it leaves at the end. NULL where nothing is
-- said, as in every run that fires and in every run of Belfry's own workers: those rows are no wider for it.
ALTER TABLE workflow_runs
    ADD COLUMN progress text,
    ADD COLUMN output json,
    ADD COLUMN output_truncated boolean,
    ADD COLUMN log text;

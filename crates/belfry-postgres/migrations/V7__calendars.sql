-- Named business calendars, in the order of bytes. A deleted one leaves its name and goes on counting when it is made again: a
-- name and a revision are one document for ever.
CREATE TABLE calendars (
    name text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);

CREATE TABLE calendar_revisions (
    name text COLLATE "C" NOT NULL REFERENCES calendars (name),
    revision bigint NOT NULL,
    document json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (name, revision)
);

-- What the living calendars build on.
CREATE TABLE calendar_bases (
    base text COLLATE "C" NOT NULL,
    calendar text COLLATE "C" NOT NULL REFERENCES calendars (name),
    PRIMARY KEY (base, calendar)
);

CREATE INDEX calendar_bases_by_calendar ON calendar_bases (calendar, base);

-- The living schedules that are planned by a calendar, be it through another one. Firing neither reads nor writes it.
CREATE TABLE schedule_calendars (
    calendar text COLLATE "C" NOT NULL,
    schedule_id uuid NOT NULL REFERENCES scheduled_workflows (id),
    PRIMARY KEY (calendar, schedule_id)
);

CREATE INDEX schedule_calendars_by_schedule ON schedule_calendars (schedule_id);

-- Named business calendars. A deleted one leaves its name and goes on counting when it is made again: a name and a revision
-- are one document for ever.
CREATE TABLE calendars (
    name TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;

CREATE TABLE calendar_revisions (
    name TEXT NOT NULL REFERENCES calendars (name),
    revision INTEGER NOT NULL,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT;

-- What the living calendars build on.
CREATE TABLE calendar_bases (
    base TEXT NOT NULL,
    calendar TEXT NOT NULL REFERENCES calendars (name),
    PRIMARY KEY (base, calendar)
) STRICT;

CREATE INDEX calendar_bases_by_calendar ON calendar_bases (calendar, base);

-- The living schedules that are planned by a calendar, be it through another one. Firing neither reads nor writes it.
CREATE TABLE schedule_calendars (
    calendar TEXT NOT NULL,
    schedule_id BLOB NOT NULL REFERENCES scheduled_workflows (id),
    PRIMARY KEY (calendar, schedule_id)
) STRICT;

CREATE INDEX schedule_calendars_by_schedule ON schedule_calendars (schedule_id);

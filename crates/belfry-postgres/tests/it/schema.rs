//! The schema: how it is brought in, what it is (`schema.sql`, written anew with `BELFRY_WRITE_SCHEMA=1`), and the months of history.

use belfry_core::time::UnixMillis;
use belfry_postgres::OpenError;
use jiff::SignedDuration;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::server::TestDatabase;

#[tokio::test]
async fn of_several_processes_that_migrate_at_once_one_does() {
    let database = TestDatabase::empty().await;
    let (one, other, third) = (database.connect().await, database.connect().await, database.connect().await);
    let (one, other, third) = tokio::join!(one.migrate(), other.migrate(), third.migrate());
    for migrated in [one, other, third] {
        migrated.unwrap();
    }
    database.connect().await.check_schema().await.unwrap();
}

/// The catalogue as statements. Without the months, which depend on the day, and what goes with a table's own definition.
const CATALOGUE: &str = "
    WITH relation AS (
        SELECT class.*
        FROM pg_class class
        WHERE class.relnamespace = 'public'::regnamespace
          AND class.relname NOT LIKE 'refinery%'
          AND class.relname !~ '_\\d{4}_\\d{2}'
    ),
    line AS (
        SELECT attrelid AS relation, 1 AS part, attnum::text AS place,
               format('    %s %s', attname, format_type(atttypid, atttypmod))
                   || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
                   || CASE attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
                   || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '') AS text
        FROM pg_attribute
        LEFT JOIN pg_attrdef
               ON adrelid = attrelid
              AND adnum = attnum
        WHERE attnum > 0
          AND NOT attisdropped
        UNION ALL
        SELECT conrelid, 2, conname, format('    CONSTRAINT %s %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint
        WHERE contype IN ('p', 'u', 'f', 'c')
    ),
    body AS (
        SELECT relation, E' (\\n' || string_agg(text, E',\\n' ORDER BY part, lpad(place, 60)) || E'\\n)' AS text
        FROM line
        GROUP BY relation
    ),
    statement AS (
        SELECT 1 AS part, relname AS name, ''::text AS detail, format('CREATE SEQUENCE %s', relname) AS text
        FROM relation
        WHERE relkind = 'S'
          AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = relation.oid AND deptype = 'i')
        UNION ALL
        SELECT 2, proname, '', pg_get_functiondef(oid)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT 3, relname, '',
               'CREATE ' || CASE relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END || 'TABLE ' || relname
                   || CASE WHEN relispartition
                           THEN format(' PARTITION OF %s %s', (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = oid),
                                       pg_get_expr(relpartbound, oid))
                           ELSE body.text END
                   || coalesce(' PARTITION BY ' || pg_get_partkeydef(oid), '')
                   || coalesce(' WITH (' || array_to_string(reloptions, ', ') || ')', '')
        FROM relation
        JOIN body
          ON body.relation = oid
        WHERE relkind IN ('r', 'p')
        UNION ALL
        SELECT 3, owner.relname, relation.relname, pg_get_indexdef(relation.oid)
        FROM relation
        JOIN pg_index
          ON indexrelid = relation.oid
        JOIN pg_class owner
          ON owner.oid = indrelid
        WHERE NOT relation.relispartition
          AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = relation.oid)
    )
    SELECT rtrim(text, E'\\n') || ';'
    FROM statement
    ORDER BY part, name COLLATE \"C\", detail COLLATE \"C\"";

#[tokio::test]
async fn the_migrations_make_the_committed_schema() {
    let database = TestDatabase::migrated().await;
    let statements = database.admin().query(CATALOGUE, &[]).await.unwrap();
    let made = statements.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n\n") + "\n";
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql");
    if std::env::var_os("BELFRY_WRITE_SCHEMA").is_some() {
        std::fs::write(committed, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(committed).unwrap(), made, "run this test with BELFRY_WRITE_SCHEMA=1 and commit schema.sql");
}

#[tokio::test]
async fn a_schema_that_is_older_or_newer_is_told() {
    let database = TestDatabase::empty().await;
    let belfry = database.connect().await;
    assert!(matches!(belfry.check_schema().await, Err(OpenError::Older { found: 0, known: 7 })));
    belfry.migrate().await.unwrap();
    let newer = "
        INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (99, 'later', '2030-01-01T00:00:00Z', '1')";
    database.admin().execute(newer, &[]).await.unwrap();
    assert!(matches!(belfry.check_schema().await, Err(OpenError::Newer { found: 99, known: 7 })));
    assert!(matches!(belfry.migrate().await, Err(OpenError::Newer { found: 99, known: 7 })));
}

#[tokio::test]
async fn the_next_versions_schema_is_worked_with_and_left_alone() {
    let database = TestDatabase::empty().await;
    let belfry = database.connect().await;
    belfry.migrate().await.unwrap();
    let next = "
        INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        SELECT max(version) + 1, 'next', '2030-01-01T00:00:00Z', '1'
        FROM refinery_schema_history";
    database.admin().execute(next, &[]).await.unwrap();
    assert!(belfry.check_schema().await.is_ok());
    assert!(matches!(belfry.migrate().await, Err(OpenError::Newer { .. })));
}

#[tokio::test]
async fn the_months_ahead_have_partitions_and_are_made_once() {
    let database = TestDatabase::on_manual_clock(UnixMillis::parse_exact("2031-11-30T23:59:59Z").unwrap()).await;
    let belfry = database.connect().await;
    assert_eq!(belfry.make_partitions().await, Ok(8));
    assert_eq!(belfry.make_partitions().await, Ok(0));
    database.set_clock(UnixMillis::parse_exact("2031-12-01T00:00:00Z").unwrap()).await;
    assert_eq!(belfry.make_partitions().await, Ok(2));
    assert_eq!(partition_of(database.admin(), "2032-03-31T23:59:59Z").await, "workflow_runs_2032_03");
    assert_eq!(partition_of(database.admin(), "2032-04-01T00:00:00Z").await, "workflow_runs_default");
}

#[tokio::test]
async fn what_the_default_partition_holds_of_a_month_moves_into_it() {
    let now = UnixMillis::parse_exact("2031-11-15T00:00:00Z").unwrap();
    let database = TestDatabase::on_manual_clock(now).await;
    let (inside, outside) = ("2031-12-24T18:00:00Z", "2033-01-01T00:00:00Z");
    for instant in [inside, outside] {
        assert_eq!(partition_of(database.admin(), instant).await, "workflow_runs_default");
    }
    database.connect().await.make_partitions().await.unwrap();
    let standing = "SELECT planned_at, tableoid::regclass::text FROM workflow_runs ORDER BY planned_at";
    let rows = database.admin().query(standing, &[]).await.unwrap();
    let found: Vec<(jiff::Timestamp, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [(inside, "workflow_runs_2031_12"), (outside, "workflow_runs_default")];
    assert_eq!(found, expected.map(|(instant, table)| (instant.parse().unwrap(), table.to_owned())));
}

#[tokio::test]
async fn the_clock_is_a_bound_of_the_index_of_what_is_pending() {
    let database = TestDatabase::migrated().await;
    let fill = "
        INSERT INTO workflow_runs (id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery,
                                   publish_at, created_at)
        SELECT gen_random_uuid(), at, gen_random_uuid(), 1, 'manual', 'manual', at, 'succeeded', 'default', 'tracked', at, at
        FROM generate_series(now() - interval '20000 seconds', now(), interval '1 second') AS at";
    database.admin().execute(fill, &[]).await.unwrap();
    database.admin().batch_execute("ANALYZE workflow_runs").await.unwrap();
    let sweep = "
        EXPLAIN SELECT id FROM workflow_runs
        WHERE state = 'pending' AND publish_at <= store_now()
        ORDER BY publish_at, id LIMIT 10";
    let plan: Vec<String> = database.admin().query(sweep, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    // The function stands for its expression: the clock is a bound of the index.
    let bound = "Index Cond: (publish_at <= date_trunc('milliseconds'::text, statement_timestamp()))";
    assert!(plan.contains(bound) && !plan.contains("store_now"), "{plan}");
}

/// Where a run planned at `instant` is kept; it is written.
async fn partition_of(admin: &Client, instant: &str) -> String {
    let at = UnixMillis::parse_exact(instant).unwrap();
    let id = Uuid::from_u128(u128::try_from(at.get()).unwrap());
    let insert = "
        INSERT INTO workflow_runs (id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery,
                                   publish_at, created_at)
        VALUES ($1, $2, $1, 1, 'manual', 'manual', $2, 'succeeded', 'default', 'tracked', $3, $3)
        RETURNING tableoid::regclass::text";
    let written = at.plus(SignedDuration::from_secs(1)).to_timestamp();
    admin.query_one(insert, &[&id, &at.to_timestamp(), &written]).await.unwrap().get(0)
}

//! What an operator asks of a deployment beside the ports: what stands, and who is there. Reads only.

use tokio_postgres::Row;

use belfry_core::ports::{MEMBER_DEAD_AFTER, StoreResult};

use crate::connections::Lease;
use crate::failed::{Attempt, Failed};
use crate::pool::Pool;
use crate::store::rows;
use crate::store::schedule_store::as_millis;

/// A deployment, as its database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Of the schema.
    pub version: i32,
    /// Daemons that live, and how many of them only settle what they began.
    pub daemons: i64,
    pub draining: i64,
    /// Who is connected, this process too. A role that may not look at others sees only its own.
    pub connected: Vec<Connected>,
}

/// Connections of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// As [`Settings::application_name`](crate::Settings::application_name) gave it.
    pub name: String,
    pub connections: i64,
}

pub async fn deployment(pool: &Pool) -> StoreResult<Deployment> {
    let db = Lease::from(pool).await?;
    let found = look(&db).await;
    db.read(found)
}

async fn look(db: &Lease) -> Attempt<Deployment> {
    let counts = "
        SELECT (SELECT max(version) FROM refinery_schema_history) AS version,
               count(*) AS daemons,
               count(*) FILTER (WHERE is_draining) AS draining
        FROM members
        WHERE beaten_at BETWEEN store_now() - $1::bigint * interval '1 millisecond'
                            AND store_now() + $1::bigint * interval '1 millisecond'";
    let connected = "
        SELECT application_name AS name,
               count(*) AS connections
        FROM pg_stat_activity
        WHERE datname = current_database()
          AND application_name LIKE 'belfry %'
        GROUP BY application_name
        ORDER BY application_name";
    let dead_after = as_millis(MEMBER_DEAD_AFTER);
    let row = db.row(counts, &[&dead_after]).await?.ok_or(Failed::Silent)?;
    let connected = db.rows(connected, &[]).await?;
    Ok(Deployment {
        version: row.try_get("version")?,
        daemons: row.try_get("daemons")?,
        draining: row.try_get("draining")?,
        connected: rows::all(&connected, one)?,
    })
}

fn one(row: &Row) -> Attempt<Connected> {
    Ok(Connected { name: row.try_get("name")?, connections: row.try_get("connections")? })
}

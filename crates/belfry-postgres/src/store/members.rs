//! Who lives: beat, bury, leave.

use uuid::Uuid;

use belfry_core::ids::MemberId;
use belfry_core::ports::{BELIEF_TOLERANCE, MEMBER_DEAD_AFTER, Member, Membership};
use belfry_core::time::UnixMillis;
use tokio_postgres::Row;

use super::rows;
use super::schedule_store::as_millis;
use crate::connections::Lease;
use crate::failed::{Attempt, Failed};

pub async fn beat(db: &Lease, member: Member) -> Attempt<Membership> {
    // Whether the beat joins is asked of the row that it locks: a snapshot may be older than a burial.
    let statement = "
        WITH own AS (
            INSERT INTO members (id, is_draining, behind_since, progressed_at, beaten_at, joined)
            VALUES ($1, $2, $3, $4, store_now(), TRUE)
            ON CONFLICT (id) DO UPDATE
            SET is_draining = excluded.is_draining,
                behind_since = excluded.behind_since,
                progressed_at = excluded.progressed_at,
                beaten_at = excluded.beaten_at,
                joined = members.beaten_at NOT BETWEEN excluded.beaten_at - $5::bigint * interval '1 millisecond'
                                                   AND excluded.beaten_at + $5::bigint * interval '1 millisecond'
            RETURNING id, is_draining, behind_since, progressed_at, joined
        )
        SELECT id, is_draining, behind_since, progressed_at, joined, store_now() AS now
        FROM own
        UNION ALL
        SELECT id, is_draining, behind_since, progressed_at, FALSE, store_now()
        FROM members
        WHERE id <> $1
          AND beaten_at BETWEEN store_now() - $5::bigint * interval '1 millisecond'
                            AND store_now() + $5::bigint * interval '1 millisecond'
        ORDER BY id";
    let (behind_since, progressed_at) = (rows::at(member.behind_since), rows::at(member.progressed_at));
    let dead_after = as_millis(MEMBER_DEAD_AFTER);
    let found = db.rows(statement, &[&member.id.0, &member.is_draining, &behind_since, &progressed_at, &dead_after]).await?;
    let mut joined = false;
    for row in &found {
        joined |= row.try_get::<_, bool>("joined")?;
    }
    let store_now = rows::instant(found.first().ok_or(Failed::Silent)?, "now")?;
    Ok(Membership { joined, members: rows::all(&found, living)?, store_now })
}

fn living(row: &Row) -> Attempt<Member> {
    Ok(Member {
        id: MemberId(row.try_get("id")?),
        is_draining: row.try_get("is_draining")?,
        behind_since: rows::instant_or_none(row, "behind_since")?,
        progressed_at: rows::instant_or_none(row, "progressed_at")?,
    })
}

/// What the dead hold is found among what is pending and not yet for the sweep: no more than living and dead have on their way.
/// A row that is locked just now is left to the end of its lease.
pub async fn bury(db: &Lease, believed: UnixMillis) -> Attempt<usize> {
    let statement = "
        WITH dead AS MATERIALIZED (
            SELECT id
            FROM members
            WHERE beaten_at NOT BETWEEN store_now() - $1::bigint * interval '1 millisecond'
                                    AND store_now() + $1::bigint * interval '1 millisecond'
              AND store_now() BETWEEN $2::timestamptz - $3::bigint * interval '1 millisecond'
                                  AND $2::timestamptz + $3::bigint * interval '1 millisecond'
            ORDER BY id
            FOR UPDATE SKIP LOCKED
        ),
        held AS MATERIALIZED (
            SELECT run.planned_at, run.id
            FROM dead
            JOIN workflow_runs run
              ON run.publisher = dead.id
            WHERE run.state = 'pending'
              AND run.publish_at > store_now()
            ORDER BY run.id
            FOR NO KEY UPDATE OF run SKIP LOCKED
        ),
        freed AS (
            UPDATE workflow_runs run
            SET publish_at = store_now()
            FROM held
            WHERE run.planned_at = held.planned_at
              AND run.id = held.id
        )
        DELETE FROM members
        USING dead
        WHERE members.id = dead.id";
    db.execute(statement, &[&as_millis(MEMBER_DEAD_AFTER), &believed.to_timestamp(), &as_millis(BELIEF_TOLERANCE)]).await
}

pub async fn leave(db: &Lease, member: MemberId) -> Attempt<()> {
    let statement = "
        WITH held AS MATERIALIZED (
            SELECT planned_at, id
            FROM workflow_runs
            WHERE state = 'pending'
              AND publish_at > store_now()
              AND publisher = $1
            ORDER BY id
            FOR NO KEY UPDATE SKIP LOCKED
        ),
        freed AS (
            UPDATE workflow_runs run
            SET publish_at = store_now()
            FROM held
            WHERE run.planned_at = held.planned_at
              AND run.id = held.id
        )
        DELETE FROM members
        WHERE id = $1";
    let member: Uuid = member.0;
    db.execute(statement, &[&member]).await?;
    Ok(())
}

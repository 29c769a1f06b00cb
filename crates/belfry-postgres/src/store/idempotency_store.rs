//! Requests that are sent again.

use async_trait::async_trait;
use tokio_postgres::Row;

use belfry_core::ports::{
    HeldKey, IDEMPOTENCY_HELD, IDEMPOTENCY_KEPT, IDEMPOTENCY_SWEPT, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore,
    KeptAnswer, StoreError, StoreResult,
};
use belfry_core::time::UnixMillis;

use super::conditions::as_limit;
use super::{PostgresStore, rows};
use crate::connections::{Lease, Tx};
use crate::failed::{Attempt, Failed};

#[async_trait]
impl IdempotencyStore for PostgresStore {
    async fn claim_key(&self, key: IdempotencyKey, request: [u8; 32]) -> StoreResult<IdempotencyClaim> {
        let tx = self.begin().await?;
        let claimed = claim(&tx, &key, request).await;
        tx.end(claimed).await
    }

    async fn end_key(&self, key: IdempotencyKey, held: HeldKey, end: IdempotencyEnd) -> StoreResult<()> {
        let db = self.lease().await?;
        let ended = self::end(&db, &key, held, &end).await;
        db.wrote(ended)
    }
}

struct Record {
    request: Vec<u8>,
    held: HeldKey,
    held_until: UnixMillis,
    answer: Option<KeptAnswer>,
}

/// Whoever comes second waits at the insertion until the first has committed, and then finds its record.
async fn claim(tx: &Tx, key: &IdempotencyKey, request: [u8; 32]) -> Attempt<IdempotencyClaim> {
    let now = tx.now().await?;
    forget(tx, key, now).await?;
    let held_until = now.plus(IDEMPOTENCY_HELD).to_timestamp();
    let statement = "
        INSERT INTO idempotency_keys (owner, key, request, made_at, claim, held_until)
        VALUES ($1, $2, $3, $4, 1, $5)
        ON CONFLICT DO NOTHING";
    if tx.execute(statement, &[&key.owner.0, &key.text, &request.as_slice(), &now.to_timestamp(), &held_until]).await? == 1 {
        return Ok(IdempotencyClaim::Held(HeldKey { made_at: now, claim: 1 }));
    }
    let record = find(tx, key).await?;
    if record.request != request {
        return Ok(IdempotencyClaim::OtherRequest);
    }
    if let Some(answer) = record.answer {
        return Ok(IdempotencyClaim::Answered(answer));
    }
    if now < record.held_until {
        return Ok(IdempotencyClaim::InProgress);
    }
    let statement = "
        UPDATE idempotency_keys
        SET claim = claim + 1,
            held_until = $3
        WHERE owner = $1
          AND key = $2";
    tx.execute(statement, &[&key.owner.0, &key.text, &held_until]).await?;
    Ok(IdempotencyClaim::Held(HeldKey { claim: record.held.claim + 1, ..record.held }))
}

/// Removes what is no longer kept: the record of `key`, and some others.
async fn forget(tx: &Tx, key: &IdempotencyKey, now: UnixMillis) -> Attempt<()> {
    let kept_from = now.minus(IDEMPOTENCY_KEPT).to_timestamp();
    let statement = "
        DELETE FROM idempotency_keys
        WHERE owner = $1
          AND key = $2
          AND made_at <= $3";
    tx.execute(statement, &[&key.owner.0, &key.text, &kept_from]).await?;
    let statement = "
        WITH old AS MATERIALIZED (
            SELECT owner, key
            FROM idempotency_keys
            WHERE made_at <= $1
            ORDER BY made_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        DELETE FROM idempotency_keys kept
        USING old
        WHERE kept.owner = old.owner
          AND kept.key = old.key";
    tx.execute(statement, &[&kept_from, &as_limit(IDEMPOTENCY_SWEPT)]).await?;
    Ok(())
}

async fn find(tx: &Tx, key: &IdempotencyKey) -> Attempt<Record> {
    let statement = "
        SELECT request, made_at, claim, held_until, status, etag, location, body
        FROM idempotency_keys
        WHERE owner = $1
          AND key = $2
        FOR NO KEY UPDATE";
    match tx.row(statement, &[&key.owner.0, &key.text]).await? {
        Some(row) => record(&row),
        // It was refused between the two statements.
        None => Err(Failed::Port(StoreError::Unavailable("the record of the Idempotency-Key was removed just now".to_owned()))),
    }
}

fn record(row: &Row) -> Attempt<Record> {
    let status = row.try_get::<_, Option<i64>>("status")?.and_then(|status| u16::try_from(status).ok());
    let body = row.try_get::<_, Option<String>>("body")?.unwrap_or_default();
    let (etag, location) = (row.try_get("etag")?, row.try_get("location")?);
    Ok(Record {
        request: row.try_get("request")?,
        held: HeldKey { made_at: rows::instant(row, "made_at")?, claim: row.try_get("claim")? },
        held_until: rows::instant(row, "held_until")?,
        answer: status.map(|status| KeptAnswer { status, etag, location, body }),
    })
}

async fn end(db: &Lease, key: &IdempotencyKey, held: HeldKey, end: &IdempotencyEnd) -> Attempt<()> {
    let is_last = "
        WHERE owner = $1
          AND key = $2
          AND made_at = $3
          AND claim = $4
          AND status IS NULL";
    let made_at = held.made_at.to_timestamp();
    match end {
        IdempotencyEnd::Answered(answer) => {
            let statement = format!("UPDATE idempotency_keys SET status = $5, etag = $6, location = $7, body = $8 {is_last}");
            let status = i64::from(answer.status);
            db.execute(&statement, &[&key.owner.0, &key.text, &made_at, &held.claim, &status, &answer.etag, &answer.location, &answer.body])
                .await?
        }
        IdempotencyEnd::Refused => {
            let statement = format!("DELETE FROM idempotency_keys {is_last}");
            db.execute(&statement, &[&key.owner.0, &key.text, &made_at, &held.claim]).await?
        }
        IdempotencyEnd::InDoubt => {
            let statement = format!("UPDATE idempotency_keys SET held_until = store_now() {is_last}");
            db.execute(&statement, &[&key.owner.0, &key.text, &made_at, &held.claim]).await?
        }
    };
    Ok(())
}

//! Requests that are sent again.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

use belfry_core::ports::{
    HeldKey, IDEMPOTENCY_HELD, IDEMPOTENCY_KEPT, IDEMPOTENCY_SWEPT, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore,
    KeptAnswer, StoreResult,
};
use belfry_core::time::UnixMillis;

use super::{SqliteStore, rows};
use crate::failed::Attempt;
use crate::writer::Tx;

#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn claim_key(&self, key: IdempotencyKey, request: [u8; 32]) -> StoreResult<IdempotencyClaim> {
        self.write(move |tx| claim(tx, &key, request)).await
    }

    async fn end_key(&self, key: IdempotencyKey, held: HeldKey, end: IdempotencyEnd) -> StoreResult<()> {
        self.write(move |tx| self::end(tx, &key, held, &end)).await
    }
}

struct Record {
    request: [u8; 32],
    held: HeldKey,
    held_until: UnixMillis,
    answer: Option<KeptAnswer>,
}

fn claim(tx: &Tx<'_>, key: &IdempotencyKey, request: [u8; 32]) -> Attempt<IdempotencyClaim> {
    forget(tx, key)?;
    let Some(record) = find(tx, key)? else {
        tx.prepare_cached(
            "INSERT INTO idempotency_keys (owner, key, request, made_at, claim, held_until)
             VALUES (?1, ?2, ?3, ?4, 1, ?5)",
        )?
        .execute(params![key.owner.0, key.text, request, tx.now.get(), tx.now.plus(IDEMPOTENCY_HELD).get()])?;
        return Ok(IdempotencyClaim::Held(HeldKey { made_at: tx.now, claim: 1 }));
    };
    if record.request != request {
        return Ok(IdempotencyClaim::OtherRequest);
    }
    if let Some(answer) = record.answer {
        return Ok(IdempotencyClaim::Answered(answer));
    }
    if tx.now < record.held_until {
        return Ok(IdempotencyClaim::InProgress);
    }
    tx.prepare_cached(
        "UPDATE idempotency_keys
         SET claim = claim + 1,
             held_until = ?3
         WHERE owner = ?1
           AND key = ?2",
    )?
    .execute(params![key.owner.0, key.text, tx.now.plus(IDEMPOTENCY_HELD).get()])?;
    Ok(IdempotencyClaim::Held(HeldKey { claim: record.held.claim + 1, ..record.held }))
}

/// Removes what is no longer kept: the record of `key`, and some others.
fn forget(tx: &Tx<'_>, key: &IdempotencyKey) -> Attempt<()> {
    let kept_from = tx.now.minus(IDEMPOTENCY_KEPT).get();
    tx.prepare_cached(
        "DELETE FROM idempotency_keys
         WHERE owner = ?1
           AND key = ?2
           AND made_at <= ?3",
    )?
    .execute(params![key.owner.0, key.text, kept_from])?;
    tx.prepare_cached(
        "DELETE FROM idempotency_keys
         WHERE rowid IN (
             SELECT rowid
             FROM idempotency_keys
             WHERE made_at <= ?1
             ORDER BY made_at
             LIMIT ?2
         )",
    )?
    .execute(params![kept_from, IDEMPOTENCY_SWEPT])?;
    Ok(())
}

fn find(tx: &Tx<'_>, key: &IdempotencyKey) -> Attempt<Option<Record>> {
    let mut select = tx.prepare_cached(
        "SELECT request, made_at, claim, held_until, status, etag, location, body
         FROM idempotency_keys
         WHERE owner = ?1
           AND key = ?2",
    )?;
    Ok(select.query_row(params![key.owner.0, key.text], record).optional()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let status: Option<u16> = row.get("status")?;
    let answer = status.map(|status| {
        let body = row.get::<_, Option<String>>("body")?.unwrap_or_default();
        Ok::<_, rusqlite::Error>(KeptAnswer { status, etag: row.get("etag")?, location: row.get("location")?, body })
    });
    Ok(Record {
        request: row.get("request")?,
        held: HeldKey { made_at: rows::instant(row, "made_at")?, claim: row.get("claim")? },
        held_until: rows::instant(row, "held_until")?,
        answer: answer.transpose()?,
    })
}

fn end(tx: &Tx<'_>, key: &IdempotencyKey, held: HeldKey, end: &IdempotencyEnd) -> Attempt<()> {
    let is_last = "WHERE owner = ?1
           AND key = ?2
           AND made_at = ?3
           AND claim = ?4
           AND status IS NULL";
    let (owner, text, made_at, claim) = (key.owner.0, &key.text, held.made_at.get(), held.claim);
    match end {
        IdempotencyEnd::Answered(answer) => tx
            .prepare_cached(&format!("UPDATE idempotency_keys SET status = ?5, etag = ?6, location = ?7, body = ?8 {is_last}"))?
            .execute(params![owner, text, made_at, claim, answer.status, answer.etag, answer.location, answer.body])?,
        IdempotencyEnd::Refused => {
            tx.prepare_cached(&format!("DELETE FROM idempotency_keys {is_last}"))?.execute(params![owner, text, made_at, claim])?
        }
        IdempotencyEnd::InDoubt => tx
            .prepare_cached(&format!("UPDATE idempotency_keys SET held_until = ?5 {is_last}"))?
            .execute(params![owner, text, made_at, claim, tx.now.get()])?,
    };
    Ok(())
}

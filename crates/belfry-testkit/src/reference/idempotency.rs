//! Requests that are sent again.

use async_trait::async_trait;
use belfry_core::ports::{
    HeldKey, IDEMPOTENCY_HELD, IDEMPOTENCY_KEPT, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore, KeptAnswer,
    StoreResult,
};
use belfry_core::time::UnixMillis;

use super::ReferenceStore;

pub(super) struct IdempotencyRow {
    request: [u8; 32],
    made_at: UnixMillis,
    claim: i64,
    held_until: UnixMillis,
    answer: Option<KeptAnswer>,
}

#[async_trait]
impl IdempotencyStore for ReferenceStore {
    async fn claim_key(&self, key: IdempotencyKey, request: [u8; 32]) -> StoreResult<IdempotencyClaim> {
        let (mut tables, now) = self.begin();
        let held_until = now.plus(IDEMPOTENCY_HELD);
        tables.idempotency.retain(|_, row| now.since(row.made_at) < IDEMPOTENCY_KEPT);
        let Some(row) = tables.idempotency.get_mut(&key) else {
            tables.idempotency.insert(key, IdempotencyRow { request, made_at: now, claim: 1, held_until, answer: None });
            return Ok(IdempotencyClaim::Held(HeldKey { made_at: now, claim: 1 }));
        };
        if row.request != request {
            return Ok(IdempotencyClaim::OtherRequest);
        }
        if let Some(answer) = &row.answer {
            return Ok(IdempotencyClaim::Answered(answer.clone()));
        }
        if now < row.held_until {
            return Ok(IdempotencyClaim::InProgress);
        }
        row.claim += 1;
        row.held_until = held_until;
        Ok(IdempotencyClaim::Held(HeldKey { made_at: row.made_at, claim: row.claim }))
    }

    async fn end_key(&self, key: IdempotencyKey, held: HeldKey, end: IdempotencyEnd) -> StoreResult<()> {
        let (mut tables, now) = self.begin();
        let is_held = |row: &&mut IdempotencyRow| (row.made_at, row.claim) == (held.made_at, held.claim) && row.answer.is_none();
        let Some(row) = tables.idempotency.get_mut(&key).filter(is_held) else { return Ok(()) };
        match end {
            IdempotencyEnd::Answered(answer) => row.answer = Some(answer),
            IdempotencyEnd::Refused => drop(tables.idempotency.remove(&key)),
            IdempotencyEnd::InDoubt => row.held_until = now,
        }
        Ok(())
    }
}

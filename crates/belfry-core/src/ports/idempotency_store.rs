//! Requests that are sent again, by the `Idempotency-Key` that their sender gave them.

use async_trait::async_trait;
use jiff::SignedDuration;

use super::StoreResult;
use crate::ids::KeyId;
use crate::time::UnixMillis;

/// How long a record is kept: for so long the same request gets the first answer.
pub const IDEMPOTENCY_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// For how long a request is held to be carried out: longer than a request may take. Then whoever carried it out has died, or
/// will find, when it goes on, that what it makes stands already.
pub const IDEMPOTENCY_HELD: SignedDuration = SignedDuration::from_secs(60);
/// How many records that are no longer kept one claim removes.
pub const IDEMPOTENCY_SWEPT: usize = 100;

/// Names a record. Each API key has keys of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdempotencyKey {
    pub owner: KeyId,
    pub text: String,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyClaim {
    /// It is the claimer's to carry out.
    Held(HeldKey),
    /// It was carried out, and answered so.
    Answered(KeptAnswer),
    /// Another claimer carries it out.
    InProgress,
    /// The key stands for another request.
    OtherRequest,
}

/// A claim that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldKey {
    /// Of the first claim. What the request makes derives its ids from it, so that carrying it out again makes the same.
    pub made_at: UnixMillis,
    /// Which claim of the record it is: 1, 2, … Ending an earlier one does nothing.
    pub claim: i64,
}

/// An answer, as it is given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    /// Of the object, where the answer had one.
    pub etag: Option<String>,
    pub location: Option<String>,
    pub body: String,
}

/// How a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyEnd {
    /// It was carried out: the answer is kept.
    Answered(KeptAnswer),
    /// Nothing was written: the record is removed, and the key is free.
    Refused,
    /// Nobody knows whether it was written: the record stays, and the next claim is the claimer's at once.
    InDoubt,
}

#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims the record of `key`, which is made where there is none, or none that is younger than [`IDEMPOTENCY_KEPT`].
    /// `request` identifies what is to be done: the hash of the whole request. A claim without an end lasts for
    /// [`IDEMPOTENCY_HELD`]. Atomic: of two who claim at once, one holds.
    async fn claim_key(&self, key: IdempotencyKey, request: [u8; 32]) -> StoreResult<IdempotencyClaim>;

    /// Ends `held`. One that is no longer the record's last claim, or was ended, changes nothing.
    async fn end_key(&self, key: IdempotencyKey, held: HeldKey, end: IdempotencyEnd) -> StoreResult<()>;
}

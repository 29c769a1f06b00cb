//! API keys.

use async_trait::async_trait;

use super::StoreResult;
use crate::ids::KeyId;
use crate::time::UnixMillis;

/// A key as it is kept: never the secret, only its SHA-256 (keys are 256 random bits, so a fast hash is right).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    pub hash: [u8; 32],
    pub created_at: UnixMillis,
    pub revoked_at: Option<UnixMillis>,
}

#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Keeps a new key, `created_at` being set to the store's clock. Atomic.
    async fn create_key(&self, id: KeyId, name: String, hash: [u8; 32]) -> StoreResult<ApiKey>;

    /// Every key, the revoked ones too, oldest first.
    async fn keys(&self) -> StoreResult<Vec<ApiKey>>;

    /// The key of a hash that is not revoked.
    async fn living_key(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>>;

    /// Revokes; again is the same as once. `NotFound` for an unknown id.
    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey>;
}

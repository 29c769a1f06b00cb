//! API keys.

use async_trait::async_trait;
use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, KeyStore, NewKey, StoreError, StoreResult};

use super::{ReferenceStore, taken};

#[async_trait]
impl KeyStore for ReferenceStore {
    async fn create_key(&self, new: NewKey) -> StoreResult<ApiKey> {
        let (mut tables, now) = self.begin();
        if tables.keys.contains_key(&new.id) {
            return Err(taken(new.id));
        }
        let key = ApiKey::made(new, now);
        tables.keys.insert(key.id, key.clone());
        Ok(key)
    }

    async fn keys(&self) -> StoreResult<Vec<ApiKey>> {
        let (tables, _) = self.begin();
        let mut keys: Vec<ApiKey> = tables.keys.values().cloned().collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        Ok(keys)
    }

    async fn living_key(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
        let (tables, now) = self.begin();
        Ok(tables.keys.values().find(|key| key.hash == hash && key.lives_at(now)).cloned())
    }

    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey> {
        let (mut tables, now) = self.begin();
        let key = tables.keys.get_mut(&id).ok_or(StoreError::NotFound("key"))?;
        key.revoked_at.get_or_insert(now);
        Ok(key.clone())
    }
}

//! API keys.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, KeyStore, NewKey, StoreError, StoreResult};
use belfry_core::time::UnixMillis;

use super::{SqliteStore, rows};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn create_key(&self, new: NewKey) -> StoreResult<ApiKey> {
        self.write(move |tx| {
            tx.prepare_cached(
                "INSERT INTO api_keys (id, name, hash, scopes, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                new.id.0,
                new.name,
                new.hash,
                new.scopes.to_string(),
                tx.now.get(),
                new.expires_at.map(UnixMillis::get),
            ])?;
            Ok(ApiKey::made(new, tx.now))
        })
        .await
    }

    async fn keys(&self) -> StoreResult<Vec<ApiKey>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at
                 FROM api_keys
                 ORDER BY created_at, id",
            )?;
            Ok(select.query_map([], rows::key)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn living_key(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
        let now = self.clock_now().get();
        self.read(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, name, hash, scopes, created_at, expires_at, revoked_at
                 FROM api_keys
                 WHERE hash = ?1
                   AND revoked_at IS NULL
                   AND (expires_at IS NULL OR expires_at > ?2)",
            )?;
            Ok(select.query_row(params![hash, now], rows::key).optional()?)
        })
        .await
    }

    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey> {
        self.write(move |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE api_keys
                 SET revoked_at = coalesce(revoked_at, ?2)
                 WHERE id = ?1
                 RETURNING id, name, hash, scopes, created_at, expires_at, revoked_at",
            )?;
            let key = update.query_row(params![id.0, tx.now.get()], rows::key).optional()?;
            Ok(key.ok_or(StoreError::NotFound("key"))?)
        })
        .await
    }
}

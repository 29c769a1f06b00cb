//! API keys.

use async_trait::async_trait;

use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, KeyStore, NewKey, StoreError, StoreResult};

use super::{PostgresStore, rows};
use crate::connections::{Lease, Params};
use crate::failed::{Attempt, Failed};

#[async_trait]
impl KeyStore for PostgresStore {
    async fn create_key(&self, new: NewKey) -> StoreResult<ApiKey> {
        let db = self.lease().await?;
        let statement = "
            INSERT INTO api_keys (id, name, hash, scopes, expires_at, created_at)
            VALUES ($1, $2, $3, $4, $5, store_now())
            RETURNING id, name, hash, scopes, created_at, expires_at, revoked_at";
        let params: Params<'_> = &[&new.id.0, &new.name, &new.hash.as_slice(), &new.scopes.to_string(), &rows::at(new.expires_at)];
        let made = one(&db, statement, params).await;
        db.wrote(made.and_then(|key| key.ok_or(Failed::Silent)))
    }

    async fn keys(&self) -> StoreResult<Vec<ApiKey>> {
        let db = self.lease().await?;
        let statement = "
            SELECT id, name, hash, scopes, created_at, expires_at, revoked_at
            FROM api_keys
            ORDER BY created_at, id";
        let found = db.rows(statement, &[]).await;
        db.read(found.and_then(|found| rows::all(&found, rows::key)))
    }

    async fn living_key(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>> {
        let db = self.lease().await?;
        let statement = "
            SELECT id, name, hash, scopes, created_at, expires_at, revoked_at
            FROM api_keys
            WHERE hash = $1
              AND revoked_at IS NULL
              AND (expires_at IS NULL OR expires_at > store_now())";
        let found = one(&db, statement, &[&hash.as_slice()]).await;
        db.read(found)
    }

    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey> {
        let db = self.lease().await?;
        let statement = "
            UPDATE api_keys
            SET revoked_at = coalesce(revoked_at, store_now())
            WHERE id = $1
            RETURNING id, name, hash, scopes, created_at, expires_at, revoked_at";
        let revoked = one(&db, statement, &[&id.0]).await;
        db.wrote(revoked.and_then(|key| key.ok_or(StoreError::NotFound("key").into())))
    }
}

async fn one(db: &Lease, statement: &str, params: Params<'_>) -> Attempt<Option<ApiKey>> {
    db.row(statement, params).await?.as_ref().map(rows::key).transpose()
}

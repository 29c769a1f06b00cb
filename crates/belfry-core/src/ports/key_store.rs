//! API keys.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreResult;
use crate::ids::KeyId;
use crate::time::UnixMillis;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking: every GET, and previews.
    Read,
    /// Whatever people change, keys included.
    Write,
    /// What workers do: claims, and all that a claim allows.
    Work,
}

crate::run::words!(Scope: Read = "read", Write = "write", Work = "work");

/// What a key may do: one scope at least, each once, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    pub fn all() -> Scopes {
        Scopes(Scope::ALL.to_vec())
    }

    /// `None` for none.
    pub fn of(scopes: &[Scope]) -> Option<Scopes> {
        let mut sorted = scopes.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        (!sorted.is_empty()).then_some(Scopes(sorted))
    }

    /// As stored: `read,write`.
    pub fn parse(text: &str) -> Option<Scopes> {
        let scopes = text.split(',').map(Scope::parse).collect::<Option<Vec<_>>>()?;
        Scopes::of(&scopes)
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether all of `others` are among these.
    pub fn include(&self, others: &Scopes) -> bool {
        others.0.iter().all(|scope| self.has(*scope))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|scope| scope.as_str()).collect();
        f.write_str(&words.join(","))
    }
}

/// A key as it is kept: never the secret, only its SHA-256 (keys are 256 random bits, so a fast hash is right).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub created_at: UnixMillis,
    /// From when on it opens nothing; `None`: it does not expire.
    pub expires_at: Option<UnixMillis>,
    pub revoked_at: Option<UnixMillis>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    pub id: KeyId,
    pub name: String,
    pub hash: [u8; 32],
    pub scopes: Scopes,
    pub expires_at: Option<UnixMillis>,
}

#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Keeps a new key, `created_at` being set to the store's clock. Atomic.
    async fn create_key(&self, new: NewKey) -> StoreResult<ApiKey>;

    /// Every key, the expired and the revoked ones too, oldest first.
    async fn keys(&self) -> StoreResult<Vec<ApiKey>>;

    /// The key of a hash that is neither revoked nor, by the store's clock, expired.
    async fn living_key(&self, hash: [u8; 32]) -> StoreResult<Option<ApiKey>>;

    /// Revokes; again is the same as once. `NotFound` for an unknown id.
    async fn revoke_key(&self, id: KeyId) -> StoreResult<ApiKey>;
}

impl NewKey {
    /// One that may do everything and does not expire.
    pub fn full(id: KeyId, name: String, hash: [u8; 32]) -> NewKey {
        NewKey { id, name, hash, scopes: Scopes::all(), expires_at: None }
    }
}

impl ApiKey {
    /// `new`, kept at `created_at`.
    pub fn made(new: NewKey, created_at: UnixMillis) -> ApiKey {
        let NewKey { id, name, hash, scopes, expires_at } = new;
        ApiKey { id, name, hash, scopes, created_at, expires_at, revoked_at: None }
    }

    pub fn lives_at(&self, now: UnixMillis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_kept_in_their_order_each_once() {
        let scopes = Scopes::of(&[Scope::Work, Scope::Read, Scope::Work]).unwrap();
        assert_eq!(scopes.to_string(), "read,work");
        assert_eq!(Scopes::parse("work,read"), Some(scopes.clone()));
        assert!(Scopes::all().include(&scopes) && !scopes.include(&Scopes::all()));
        for text in ["", "read,", "admin", "read, work"] {
            assert_eq!(Scopes::parse(text), None, "{text}");
        }
    }
}

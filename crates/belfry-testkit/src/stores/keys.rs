//! API keys.

use belfry_core::ports::{ApiKey, StoreError};

use super::Backend;
use super::world::{SECOND, World, assert_between};

async fn key(world: &World<'_>, number: u8) -> ApiKey {
    world.keys.create_key(world.key_id().await, format!("key {number}"), [number; 32]).await.unwrap()
}

pub async fn a_key_is_found_by_its_hash(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.key_id().await;
    let before = world.now().await;
    let made = world.keys.create_key(id, "laptop".to_owned(), [7; 32]).await.unwrap();
    assert_between(before, made.created_at, world.now().await);
    let expected = ApiKey { id, name: "laptop".to_owned(), hash: [7; 32], created_at: made.created_at, revoked_at: None };
    assert_eq!(made, expected);
    assert_eq!(world.keys.living_key([7; 32]).await, Ok(Some(made)));
    assert_eq!(world.keys.living_key([8; 32]).await, Ok(None));
}

pub async fn a_revoked_key_is_found_no_more(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (goes, stays) = (key(&world, 1).await, key(&world, 2).await);
    let before = world.now().await;
    let revoked = world.keys.revoke_key(goes.id).await.unwrap();
    assert_between(before, revoked.revoked_at.unwrap(), world.now().await);
    assert_eq!(revoked, ApiKey { revoked_at: revoked.revoked_at, ..goes });
    assert_eq!(world.keys.living_key([1; 32]).await, Ok(None));
    assert_eq!(world.keys.living_key([2; 32]).await, Ok(Some(stays)));
}

pub async fn revoking_again_is_the_same_as_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world, 1).await;
    let revoked = world.keys.revoke_key(key.id).await.unwrap();
    world.advance(SECOND).await;
    assert_eq!(world.keys.revoke_key(key.id).await, Ok(revoked));
    assert_eq!(world.keys.revoke_key(world.key_id().await).await, Err(StoreError::NotFound("key")));
}

pub async fn keys_are_listed_oldest_first(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut made = Vec::new();
    for number in 1..=3 {
        made.push(key(&world, number).await);
        world.advance(SECOND).await;
    }
    made[1] = world.keys.revoke_key(made[1].id).await.unwrap();
    assert_eq!(world.keys.keys().await, Ok(made));
}

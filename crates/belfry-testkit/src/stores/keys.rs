//! API keys.

use belfry_core::ports::{ApiKey, NewKey, Scope, Scopes, StoreError};

use super::Backend;
use super::world::{SECOND, World, assert_between};

async fn key(world: &World<'_>, number: u8) -> ApiKey {
    world.keys.create_key(new_key(world, number).await).await.unwrap()
}

async fn new_key(world: &World<'_>, number: u8) -> NewKey {
    NewKey {
        id: world.key_id().await,
        name: format!("key {number}"),
        hash: [number; 32],
        scopes: Scopes::of(&[Scope::Read]).unwrap(),
        expires_at: None,
    }
}

pub async fn a_key_is_found_by_its_hash(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let new = new_key(&world, 7).await;
    let before = world.now().await;
    let made = world.keys.create_key(new.clone()).await.unwrap();
    assert_between(before, made.created_at, world.now().await);
    assert_eq!(made, ApiKey::made(new, made.created_at));
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

pub async fn an_expired_key_is_found_no_more(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let expires_at = Some(world.now().await.plus(SECOND * 5));
    let new = NewKey { expires_at, ..new_key(&world, 1).await };
    let made = world.keys.create_key(new).await.unwrap();
    assert_eq!(made.expires_at, expires_at);
    assert_eq!(world.keys.living_key([1; 32]).await, Ok(Some(made.clone())));
    world.advance(SECOND * 5).await;
    assert_eq!(world.keys.living_key([1; 32]).await, Ok(None));
    assert_eq!(world.keys.keys().await, Ok(vec![made]));
}

pub async fn a_key_keeps_its_scopes(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for (number, scopes) in [(1, vec![Scope::Work]), (2, vec![Scope::Write, Scope::Read]), (3, Scope::ALL.to_vec())] {
        let scopes = Scopes::of(&scopes).unwrap();
        let new = NewKey { scopes: scopes.clone(), ..new_key(&world, number).await };
        world.keys.create_key(new).await.unwrap();
        assert_eq!(world.keys.living_key([number; 32]).await.unwrap().unwrap().scopes, scopes);
    }
}

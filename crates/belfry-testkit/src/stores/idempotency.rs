//! Requests that are sent again.

use belfry_core::ids::{KeyId, RunId};
use belfry_core::ports::{
    HeldKey, IDEMPOTENCY_HELD, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, KeptAnswer, NewManualRun, StoreError,
};
use jiff::SignedDuration;
use serde_json::json;

use super::Backend;
use super::world::World;

const REQUEST: [u8; 32] = [1; 32];

async fn key(world: &World<'_>) -> IdempotencyKey {
    IdempotencyKey { owner: world.key_id().await, text: "order 17/ä".to_owned() }
}

async fn claim(world: &World<'_>, key: &IdempotencyKey) -> IdempotencyClaim {
    world.idempotency.claim_key(key.clone(), REQUEST).await.unwrap()
}

async fn held(world: &World<'_>, key: &IdempotencyKey) -> HeldKey {
    match claim(world, key).await {
        IdempotencyClaim::Held(held) => held,
        other => panic!("it is not to be had: {other:?}"),
    }
}

async fn end(world: &World<'_>, key: &IdempotencyKey, held: HeldKey, end: IdempotencyEnd) {
    world.idempotency.end_key(key.clone(), held, end).await.unwrap();
}

fn answer() -> KeptAnswer {
    KeptAnswer { status: 201, etag: Some("\"1\"".to_owned()), location: None, body: "{\"name\":\"ü\"}".to_owned() }
}

pub async fn of_two_who_claim_at_once_one_holds(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let (one, other) = tokio::join!(claim(&world, &key), claim(&world, &key));
    assert!(
        matches!(
            (&one, &other),
            (IdempotencyClaim::Held(_), IdempotencyClaim::InProgress) | (IdempotencyClaim::InProgress, IdempotencyClaim::Held(_))
        ),
        "{one:?} {other:?}"
    );
}

pub async fn what_was_answered_is_answered_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let before = world.now().await;
    let first = held(&world, &key).await;
    assert!(first.made_at >= before && first.claim == 1, "{first:?}");
    end(&world, &key, first, IdempotencyEnd::Answered(answer())).await;
    assert_eq!(claim(&world, &key).await, IdempotencyClaim::Answered(answer()));
    end(&world, &key, first, IdempotencyEnd::Refused).await;
    world.advance(IDEMPOTENCY_HELD).await;
    assert_eq!(claim(&world, &key).await, IdempotencyClaim::Answered(answer()));
}

pub async fn a_key_stands_for_one_request(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let other = || world.idempotency.claim_key(key.clone(), [2; 32]);
    let first = held(&world, &key).await;
    assert_eq!(other().await, Ok(IdempotencyClaim::OtherRequest));
    end(&world, &key, first, IdempotencyEnd::Answered(answer())).await;
    assert_eq!(other().await, Ok(IdempotencyClaim::OtherRequest));
}

pub async fn a_key_is_its_owners(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mine = key(&world).await;
    let theirs = IdempotencyKey { owner: KeyId(uuid::Uuid::nil()), text: mine.text.clone() };
    held(&world, &mine).await;
    held(&world, &theirs).await;
}

pub async fn a_refused_request_frees_its_key(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let first = held(&world, &key).await;
    end(&world, &key, first, IdempotencyEnd::Refused).await;
    assert!(matches!(world.idempotency.claim_key(key, [2; 32]).await, Ok(IdempotencyClaim::Held(HeldKey { claim: 1, .. }))));
}

pub async fn a_request_in_doubt_is_claimed_again_with_its_instant(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let first = held(&world, &key).await;
    end(&world, &key, first, IdempotencyEnd::InDoubt).await;
    world.advance(SignedDuration::from_millis(5)).await;
    assert_eq!(held(&world, &key).await, HeldKey { claim: 2, ..first });
}

pub async fn a_claimer_that_died_is_followed_after_a_minute(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let first = held(&world, &key).await;
    assert_eq!(claim(&world, &key).await, IdempotencyClaim::InProgress);
    world.advance(IDEMPOTENCY_HELD).await;
    assert_eq!(held(&world, &key).await, HeldKey { claim: 2, ..first });
}

pub async fn a_claim_that_is_no_longer_the_last_ends_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let key = key(&world).await;
    let first = held(&world, &key).await;
    end(&world, &key, first, IdempotencyEnd::InDoubt).await;
    let second = held(&world, &key).await;
    for late in [IdempotencyEnd::Refused, IdempotencyEnd::InDoubt, IdempotencyEnd::Answered(answer())] {
        end(&world, &key, first, late).await;
        assert_eq!(claim(&world, &key).await, IdempotencyClaim::InProgress);
    }
    end(&world, &key, second, IdempotencyEnd::Answered(answer())).await;
    assert_eq!(claim(&world, &key).await, IdempotencyClaim::Answered(answer()));
}

/// What a request makes has the same ids when it is carried out again.
pub async fn what_stands_is_answered_when_it_is_made_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let new = world.new_workflow().await;
    let workflow = world.workflows.create_workflow(new.clone()).await.unwrap();
    assert_eq!(world.workflows.create_workflow(new.clone()).await, Ok(workflow.clone()));

    let schedule = world.new_schedule(&workflow, world.every_ten_seconds().await).await;
    let made = world.workflows.create_schedule(schedule.clone()).await.unwrap();
    assert_eq!(world.workflows.create_schedule(schedule.clone()).await, Ok(made.clone()));

    let id = RunId(world.run_id().await.0);
    let run = NewManualRun { keeps_id: true, ..NewManualRun::now(id, workflow.id, json!({"a": 1}), None) };
    let started = world.workflows.start_run(run.clone()).await.unwrap();
    assert_eq!((started.id, started.planned_at), (id, id.planned_at()));
    world.advance(SignedDuration::from_millis(5)).await;
    assert_eq!(world.workflows.start_run(run).await, Ok(started));

    world.workflows.delete_schedule(made.id, None).await.unwrap();
    assert_eq!(world.workflows.create_schedule(schedule).await, Err(StoreError::NotFound("schedule")));
    world.workflows.delete_workflow(workflow.id, None).await.unwrap();
    assert_eq!(world.workflows.create_workflow(new).await, Err(StoreError::NotFound("workflow")));
}

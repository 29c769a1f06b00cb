//! Daemons that come, go and die.

use belfry_core::ids::RunId;
use belfry_core::ports::{BELIEF_TOLERANCE, GiveBack, MEMBER_DEAD_AFTER, Mark, Member, Membership, PublishLease};
use jiff::SignedDuration;

use super::Backend;
use super::world::{LEASE, SECOND, World, assert_between};

const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
/// Half a lifetime and more: a member that beats so often lives, one that misses two beats does not.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

fn lease_of(member: Member) -> PublishLease {
    PublishLease { member: member.id, lease: LEASE }
}

/// A run that `member` has fired and not published yet.
async fn fired_by(world: &World<'_>, member: Member) -> RunId {
    let schedule = world.due_schedule().await;
    let fired = world.fire(Some(lease_of(member)), vec![world.decided(&schedule).await]).await;
    fired.results[0].runs[0]
}

/// A run that `member` has swept and not published yet.
async fn swept_by(world: &World<'_>, member: Member) -> RunId {
    let run = world.pending_run().await;
    let swept = world.schedules.sweep(lease_of(member), &[], 10).await.unwrap().runs;
    assert_eq!(swept.iter().map(|run| run.id).collect::<Vec<_>>(), [run]);
    run
}

pub async fn the_first_beat_joins_and_the_next_does_not(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let member = world.member().await;
    for joined in [true, false, false] {
        let before = world.now().await;
        let Membership { joined: answered, members, store_now } = world.beat(member).await;
        assert_eq!((answered, members), (joined, vec![member]));
        assert_between(before, store_now, world.now().await);
        world.advance(SECOND).await;
    }
}

pub async fn members_are_answered_in_order_of_their_ids(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(world.member().await);
    }
    for member in members.iter().rev() {
        assert!(world.beat(*member).await.joined);
    }
    members.sort_unstable_by_key(|member| member.id);
    assert_eq!(world.beat(members[1]).await.members, members);
}

pub async fn two_may_join_at_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (one, other) = (world.member().await, world.member().await);
    let (first, second) = tokio::join!(world.beat(one), world.beat(other));
    assert!(first.joined && second.joined);
    let mut both = vec![one, other];
    both.sort_unstable_by_key(|member| member.id);
    assert_eq!([world.beat(one).await.members, world.beat(other).await.members], [both.clone(), both]);
}

pub async fn the_silent_are_dead_for_the_others(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (silent, lives) = (world.member().await, world.member().await);
    world.beat(silent).await;
    assert_eq!(world.beat(lives).await.members.len(), 2);
    world.advance(PAUSE).await;
    assert_eq!(world.beat(lives).await.members.len(), 2);
    world.advance(PAUSE).await;
    let Membership { joined, members, .. } = world.beat(lives).await;
    assert_eq!((joined, members), (false, vec![lives]));
}

pub async fn the_beat_of_one_that_was_dead_joins_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (unburied, buried) = (world.member().await, world.member().await);
    world.beat(unburied).await;
    world.advance(MEMBER_DEAD_AFTER + MILLISECOND).await;
    assert!(world.beat(unburied).await.joined);
    assert!(!world.beat(unburied).await.joined);
    world.beat(buried).await;
    world.advance(PAUSE).await;
    world.beat(unburied).await;
    world.advance(PAUSE).await;
    assert_eq!(world.bury().await, 1);
    let membership = world.beat(buried).await;
    assert!(membership.joined);
    assert_eq!(membership.members.len(), 2);
}

pub async fn a_draining_member_is_still_listed_and_says_so(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (leaving, other) = (world.member().await, world.member().await);
    world.beat(leaving).await;
    let leaving = Member { is_draining: true, ..leaving };
    assert_eq!(world.beat(leaving).await.members, [leaving]);
    let members = world.beat(other).await.members;
    assert!(members.contains(&leaving) && members.contains(&other), "{members:?}");
}

pub async fn what_a_member_last_told_of_itself_is_told_to_the_others(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (told, other) = (world.member().await, world.member().await);
    let now = world.now().await;
    let behind = Member { behind_since: Some(now.minus(SECOND)), progressed_at: None, ..told };
    let moving = Member { behind_since: Some(now.minus(SECOND)), progressed_at: Some(now), ..told };
    let done = Member { behind_since: None, progressed_at: Some(now.plus(SECOND)), ..told };
    for tells in [told, behind, moving, done, told] {
        world.beat(tells).await;
        let members = world.beat(other).await.members;
        assert_eq!(members.iter().find(|member| member.id == told.id), Some(&tells));
    }
}

pub async fn burying_frees_what_the_dead_held(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (dies, lives) = (world.member().await, world.member().await);
    let lost = fired_by(&world, dies).await;
    let held = swept_by(&world, lives).await;
    world.beat(dies).await;
    for _ in 0..2 {
        world.beat(lives).await;
        world.advance(PAUSE).await;
    }
    world.beat(lives).await;
    // Dead, but not buried: nothing is anyone's yet.
    assert_eq!(world.sweep(10).await, []);
    assert_eq!(world.bury().await, 1);
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.publish_seq)).collect::<Vec<_>>(), [(lost, 2)]);
    assert_eq!(world.schedules.mark(&[Mark { run_id: lost, publish_seq: 1 }]).await, Ok(0));
    assert_eq!(world.schedules.mark(&[Mark { run_id: held, publish_seq: 2 }]).await, Ok(1));
    assert_eq!(world.bury().await, 0);
}

pub async fn burying_leaves_the_living_alone(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let member = world.member().await;
    fired_by(&world, member).await;
    world.beat(member).await;
    world.advance(PAUSE).await;
    assert_eq!(world.bury().await, 0);
    assert_eq!(world.sweep(10).await, []);
    assert!(!world.beat(member).await.joined);
}

pub async fn nobody_is_buried_by_a_clock_that_is_not_believed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let member = world.member().await;
    fired_by(&world, member).await;
    world.beat(member).await;
    world.advance(MEMBER_DEAD_AFTER + MILLISECOND).await;
    assert_eq!(world.schedules.bury(world.disbelieved().await).await, Ok(0));
    // A clock that went back makes all beats look like those of the future.
    let ahead = world.now().await.plus(BELIEF_TOLERANCE + SECOND);
    assert_eq!(world.schedules.bury(ahead).await, Ok(0));
    assert_eq!(world.sweep(10).await, []);
    assert_eq!(world.bury().await, 1);
    assert_eq!(world.sweep(10).await.len(), 1);
}

pub async fn leaving_frees_what_was_held_at_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (leaves, stays) = (world.member().await, world.member().await);
    let freed = fired_by(&world, leaves).await;
    swept_by(&world, stays).await;
    for member in [leaves, stays] {
        world.beat(member).await;
    }
    assert_eq!(world.sweep(10).await, []);
    for _ in 0..2 {
        world.schedules.leave(leaves.id).await.unwrap();
    }
    assert_eq!(world.sweep(10).await.iter().map(|run| run.id).collect::<Vec<_>>(), [freed]);
    assert_eq!(world.beat(stays).await.members, [stays]);
    assert!(world.beat(leaves).await.joined);
}

pub async fn what_was_given_back_waits_though_its_publisher_leaves(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let member = world.member().await;
    world.beat(member).await;
    let run_id = swept_by(&world, member).await;
    let back = GiveBack { run_id, publish_seq: 2, retry_in: SignedDuration::from_secs(60), error: "too large".to_owned() };
    assert_eq!(world.schedules.give_back(&[back]).await, Ok(1));
    world.schedules.leave(member.id).await.unwrap();
    assert_eq!(world.sweep(10).await, []);
}

//! Time moved by hand.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use belfry_core::ports::{Boot, Clock, Ids, ScheduleStore, WallClock};
use belfry_testkit::clock::{ManualClock, SeededIds};
use belfry_testkit::reference::ReferenceStore;
use jiff::SignedDuration;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

#[test]
fn a_sleeper_wakes_when_its_time_has_passed_and_not_before() {
    let clock = ManualClock::default();
    let mut context = Context::from_waker(Waker::noop());
    let mut sleep = pin!(clock.sleep(SECOND));
    let steps = [(SECOND / 2, Poll::Pending), (SECOND / 4, Poll::Pending), (SECOND / 4, Poll::Ready(()))];
    assert_eq!(sleep.as_mut().poll(&mut context), Poll::Pending);
    for (by, expected) in steps {
        clock.clone().advance(by);
        assert_eq!(sleep.as_mut().poll(&mut context), expected);
    }
}

#[test]
fn setting_the_time_of_day_passes_no_time() {
    let clock = ManualClock::default();
    let mut sleep = pin!(clock.sleep(SECOND));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(sleep.as_mut().poll(&mut context), Poll::Pending);
    let tomorrow = clock.now().plus(SignedDuration::from_hours(24));
    clock.set(tomorrow);
    assert_eq!((clock.now(), clock.boot()), (tomorrow, Boot(0)));
    assert_eq!(sleep.as_mut().poll(&mut context), Poll::Pending);
}

#[test]
fn the_same_seed_makes_the_same_ids_in_the_order_of_making() {
    let now = ManualClock::default().now();
    let made = |seed| {
        let ids = SeededIds::new(seed);
        (0..1_000).map(|_| ids.v7(now)).collect::<Vec<_>>()
    };
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
    assert!(made(1).is_sorted_by(|earlier, later| earlier < later));
    assert!(made(1).iter().all(|id| id.get_version_num() == 7));
    assert_eq!(belfry_core::ids::RunId(made(1)[7]).planned_at(), now);
}

#[tokio::test]
async fn the_clock_of_a_store_does_not_go_back() {
    let clock = ManualClock::default();
    let store = ReferenceStore::new(Arc::new(clock.clone()));
    clock.advance(SECOND);
    let latest = store.now().await.unwrap();
    clock.set(latest.minus(SignedDuration::from_hours(1)));
    assert_eq!(store.now().await, Ok(latest));
    clock.set(latest.plus(SECOND));
    assert_eq!(store.now().await, Ok(latest.plus(SECOND)));
}

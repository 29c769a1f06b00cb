//! A store, a queue and clocks for the tests of this crate, with the faults that the ports' contracts allow.

mod queue;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use belfry_core::ports::{Boot, ClaimedRun, Clock, Ids, WallClock};
use belfry_core::run::{NodeResult, NodeState, Run, RunKind, RunReason, RunResult, RunState};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};
use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

pub use self::queue::FakeQueue;
pub use self::store::{FakeStore, Fault};
use crate::settings::CLAIM_LENGTH;

/// What the store's clock shows when the boot clock shows zero.
pub const STORE_AT_BOOT: &str = "2026-11-25T09:00:00Z";

/// Tokio's clock as the boot clock; it can also jump, as after a suspend.
pub struct FakeClock {
    origin: tokio::time::Instant,
    jumped: AtomicI64,
}

impl FakeClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
    pub fn new() -> Arc<FakeClock> {
        Arc::new(FakeClock { origin: tokio::time::Instant::now(), jumped: AtomicI64::new(0) })
    }

    /// The host was suspended for `length`: no timer noticed.
    pub fn suspend(&self, length: SignedDuration) {
        self.jumped.fetch_add(i64::try_from(length.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn store_now(&self) -> UnixMillis {
        UnixMillis::parse_exact(STORE_AT_BOOT).unwrap().plus(self.since_start())
    }

    pub fn since_start(&self) -> SignedDuration {
        self.boot().since(Boot(0))
    }
}

#[async_trait]
impl Clock for FakeClock {
    fn boot(&self) -> Boot {
        let elapsed = i64::try_from(self.origin.elapsed().as_millis()).unwrap();
        Boot(elapsed + self.jumped.load(Ordering::SeqCst))
    }

    async fn sleep(&self, length: SignedDuration) {
        tokio::time::sleep(Duration::try_from(length).unwrap_or_default()).await;
    }
}

/// A host whose time of day is wrong by years: nothing may depend on it.
pub struct WrongWallClock;

impl WallClock for WrongWallClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::parse_exact("2001-01-01T00:00:00Z").unwrap()
    }
}

#[derive(Default)]
pub struct CountedIds(AtomicU64);

impl Ids for CountedIds {
    fn v7(&self, now: UnixMillis) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let millis = u64::try_from(now.get()).unwrap();
        let mut random = [0; 10];
        random[2..].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// A run that is queued, as the scheduler planned it for 09:00.
pub fn queued_run(number: u128, input: Value) -> Run {
    let nominal = UnixMillis::parse_exact("2026-11-25T09:00:00Z").unwrap();
    let id = |kind: u128| Uuid::from_u128((kind << 64) | number);
    Run {
        id: belfry_core::ids::RunId(id(1)),
        workflow_id: belfry_core::ids::WorkflowId(id(2)),
        workflow_name: "nightly".to_owned(),
        workflow_version: 1,
        schedule_id: Some(belfry_core::ids::ScheduleId(id(3))),
        kind: RunKind::Scheduled,
        rerun_of: None,
        reason: RunReason::Due,
        nominal_time: Some(nominal),
        planned_at: nominal,
        due_at: nominal,
        state: RunState::Queued,
        queue: QueueName::default(),
        delivery: Delivery::Tracked,
        input,
        attempt: 0,
        claim_epoch: 0,
        claimed_by: None,
        claim_until: None,
        cancel_requested_at: None,
        publish_seq: 1,
        publish_error: None,
        created_at: nominal,
        queued_at: Some(nominal),
        started_at: None,
        finished_at: None,
        error: None,
        progress: None,
        result: RunResult::default(),
        nodes: Vec::new(),
    }
}

/// A claim of [`queued_run`], for what only renders.
pub fn claimed(input: Value) -> ClaimedRun {
    let mut run = queued_run(1, input);
    run.attempt = 2;
    let nominal = run.planned_at;
    ClaimedRun {
        previous_nominal_time: Some(nominal.minus(SignedDuration::from_hours(24))),
        next_nominal_time: None,
        run,
        definition: Value::Null,
        epoch: 1,
        claim_until: nominal.plus(CLAIM_LENGTH),
    }
}

/// A node that has just begun.
pub fn node_result(id: &str) -> NodeResult {
    NodeResult {
        node_id: id.to_owned(),
        state: NodeState::Running,
        output: Value::Null,
        output_truncated: false,
        log: String::new(),
        error: None,
        attempts: 1,
        started_at: UnixMillis::parse_exact(STORE_AT_BOOT).unwrap(),
        finished_at: None,
        wait_until: None,
    }
}

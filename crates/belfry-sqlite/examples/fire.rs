//! How many schedules a second this machine fires into a file: `cargo run --release -p belfry-sqlite --example fire`.
//!
//! 20,000 schedules, ten occurrences of each, in batches of 500 fires with one run each; every batch is one commit that is
//! on the disk when it is answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use belfry_core::ids::{MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    Fire, FireBatch, FireCode, Ids, Mark, NewRun, NewSchedule, NewWorkflow, PublishLease, ScheduleStore, WallClock, WorkflowStore,
};
use belfry_core::run::RunReason;
use belfry_core::schedule::{Cursor, ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, QueueName};
use belfry_sqlite::{Database, SqliteStore};
use belfry_testkit::clock::{ManualClock, SeededIds};
use jiff::SignedDuration;

const SCHEDULES: usize = 20_000;
const ROUNDS: i64 = 10;
const BATCH: usize = 500;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[tokio::main]
async fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder).expect("the folder can be written to");
    let clock = ManualClock::default();
    let database = Database::open(&folder.path().join("belfry.db"), Arc::new(clock.clone())).expect("a new file opens");
    let store = database.store();
    let ids = SeededIds::new(1);
    let mut schedules = set_up(&store, &ids, &clock).await;
    let publisher = PublishLease { member: MemberId(ids.v7(WallClock::now(&clock))), lease: SignedDuration::from_secs(15) };
    let (mut firing, mut marking) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        clock.advance(MINUTE);
        for batch in schedules.chunks_mut(BATCH) {
            let fires: Vec<Fire> = batch.iter_mut().map(|schedule| next_fire(schedule, WallClock::now(&clock))).collect();
            let marks: Vec<Mark> = fires.iter().flat_map(|fire| &fire.runs).map(|run| Mark { run_id: run.id, publish_seq: 1 }).collect();
            let (took, answer) = timed(store.fire(FireBatch { publisher: Some(publisher), fires })).await;
            firing += took;
            assert!(answer.expect("a batch fires").results.iter().all(|result| result.code == FireCode::Moved));
            let (took, marked) = timed(store.mark(&marks)).await;
            marking += took;
            assert_eq!(marked, Ok(batch.len()));
        }
    }
    let fires = f64::from(u32::try_from(SCHEDULES).expect("it is small")) * f64::from(u32::try_from(ROUNDS).expect("it is small"));
    println!("{:.0} fires/s, {:.0} marks/s", fires / firing, fires / marking);
    database.close().await;
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
async fn timed<T>(work: impl Future<Output = T>) -> (f64, T) {
    let began = Instant::now();
    let answer = work.await;
    (began.elapsed().as_secs_f64(), answer)
}

fn next_fire(schedule: &mut ScheduledWorkflow, now: UnixMillis) -> Fire {
    let nominal = schedule.cursor.nominal.expect("every minute has a next one");
    let next = Cursor::at(Some(nominal.plus(MINUTE)));
    schedule.cursor = next;
    let run = NewRun { id: RunId::scheduled(schedule.id, nominal), nominal, due: nominal, reason: RunReason::Due };
    Fire { id: schedule.id, revision: 1, nominal, decided_at: now, next, runs: vec![run], outcomes: Vec::new(), failure: None }
}

async fn set_up(store: &SqliteStore, ids: &SeededIds, clock: &ManualClock) -> Vec<ScheduledWorkflow> {
    let workflow = NewWorkflow {
        id: WorkflowId(ids.v7(WallClock::now(clock))),
        name: "benchmark".to_owned(),
        description: String::new(),
        definition: serde_json::json!({"nodes": []}),
        tags: Vec::new(),
        queue: QueueName::default(),
        delivery: Delivery::Tracked,
        trigger: None,
    };
    let workflow = store.create_workflow(workflow).await.expect("a new workflow is taken");
    let mut created = tokio::task::JoinSet::new();
    for number in 0..SCHEDULES {
        let content = ScheduleContent::new(vec![Spec::cron("* * * * *".parse().expect("it is a cron"))], Zone::utc());
        let id = ScheduleId(ids.v7(WallClock::now(clock)));
        let new = NewSchedule { id, workflow_id: workflow.id, name: format!("s{number}"), content, is_active: true };
        let store = store.clone();
        created.spawn(async move { store.create_schedule(new).await.expect("a new schedule is taken") });
    }
    created.join_all().await
}

//! What stands in the database when a scenario has ended.

use jiff::{SignedDuration, Timestamp};

use super::servers::Server;
use super::witness::Seen;

/// All of it. Instants are milliseconds by the store's clock.
#[derive(Default)]
pub struct Ledger {
    pub schedules: Vec<Schedule>,
    pub runs: Vec<Run>,
    pub outcomes: Vec<Outcome>,
    /// What the witness saw.
    pub seen: Seen,
}

#[derive(Clone)]
pub struct Schedule {
    pub id: String,
    pub is_active: bool,
    pub deleted_at: Option<i64>,
    /// In order; each holds from its creation, exclusive, to that of the next one, inclusive.
    pub revisions: Vec<Revision>,
}

#[derive(Clone)]
pub struct Revision {
    pub number: i64,
    pub created_at: i64,
    pub every: i64,
    pub start: i64,
}

#[derive(Clone)]
pub struct Run {
    pub id: String,
    pub schedule: String,
    pub revision: i64,
    pub workflow: String,
    pub nominal: i64,
    pub due_at: i64,
    pub created_at: i64,
    pub queued_at: Option<i64>,
    pub started_at: Option<i64>,
    pub state: String,
    pub attempt: i64,
    /// 1 when it was published by whoever fired it, at the first try.
    pub publish_seq: i64,
    /// Its nodes that did not succeed in one attempt each, or 1 when it has none at all.
    pub odd_nodes: i64,
}

#[derive(Clone)]
pub struct Outcome {
    pub schedule: String,
    pub revision: i64,
    pub from: i64,
    pub to: i64,
    pub reason: String,
}

impl Ledger {
    pub fn read(postgres: &Server, seen: Seen) -> Ledger {
        Ledger { schedules: schedules(postgres), runs: runs(postgres), outcomes: outcomes(postgres), seen }
    }
}

/// Rows by the schedule's id, then by revision.
fn schedules(postgres: &Server) -> Vec<Schedule> {
    let statement = format!(
        "SELECT schedule.id, schedule.is_active, {}, revision.revision, {},
                revision.content -> 'specs' -> 0 ->> 'every', revision.content -> 'specs' -> 0 ->> 'start'
         FROM scheduled_workflows schedule
         JOIN schedule_revisions revision ON revision.schedule_id = schedule.id
         ORDER BY schedule.id, revision.revision",
        ms("schedule.deleted_at"),
        ms("revision.created_at")
    );
    let mut schedules: Vec<Schedule> = Vec::new();
    for row in postgres.rows(&statement) {
        let [id, is_active, deleted_at, number, created_at, every, start] = row.try_into().unwrap();
        if schedules.last().is_none_or(|last| last.id != id) {
            schedules.push(Schedule { id, is_active: is_active == "t", deleted_at: instant(&deleted_at), revisions: Vec::new() });
        }
        let every: SignedDuration = every.parse().unwrap();
        let start: Timestamp = start.parse().unwrap();
        schedules.last_mut().unwrap().revisions.push(Revision {
            number: whole(&number),
            created_at: whole(&created_at),
            every: i64::try_from(every.as_millis()).unwrap(),
            start: start.as_millisecond(),
        });
    }
    schedules
}

fn runs(postgres: &Server) -> Vec<Run> {
    let columns = ["nominal_time", "due_at", "created_at", "queued_at", "started_at"].map(|column| ms(&format!("run.{column}")));
    let statement = format!(
        "SELECT run.id, run.schedule_id, run.schedule_revision, revision.workflow_name, {}, run.state, run.attempt,
                run.publish_seq, coalesce(node.odd, 1)
         FROM workflow_runs run
         JOIN schedule_revisions revision
           ON revision.schedule_id = run.schedule_id
          AND revision.revision = run.schedule_revision
         LEFT JOIN (
             SELECT run_id, count(*) FILTER (WHERE state <> 'succeeded' OR attempts <> 1) AS odd
             FROM run_nodes
             GROUP BY run_id
         ) node ON node.run_id = run.id
         ORDER BY run.planned_at, run.id",
        columns.join(", ")
    );
    let read = |row: Vec<String>| {
        let row: [String; 13] = row.try_into().unwrap();
        let [id, schedule, revision, workflow, nominal, due_at, created_at, queued_at, started_at, state, attempt, publish_seq, odd] = row;
        Run {
            id,
            schedule,
            revision: whole(&revision),
            workflow,
            nominal: whole(&nominal),
            due_at: whole(&due_at),
            created_at: whole(&created_at),
            queued_at: instant(&queued_at),
            started_at: instant(&started_at),
            state,
            attempt: whole(&attempt),
            publish_seq: whole(&publish_seq),
            odd_nodes: whole(&odd),
        }
    };
    postgres.rows(&statement).into_iter().map(read).collect()
}

fn outcomes(postgres: &Server) -> Vec<Outcome> {
    let statement = format!(
        "SELECT schedule_id, revision, {}, {}, reason
         FROM occurrence_outcomes",
        ms("from_at"),
        ms("to_at")
    );
    let read = |row: Vec<String>| {
        let [schedule, revision, from, to, reason] = row.try_into().unwrap();
        Outcome { schedule, revision: whole(&revision), from: whole(&from), to: whole(&to), reason }
    };
    postgres.rows(&statement).into_iter().map(read).collect()
}

fn ms(column: &str) -> String {
    format!("(extract(epoch FROM {column}) * 1000)::bigint")
}

fn whole(text: &str) -> i64 {
    text.parse().unwrap()
}

/// NULL is empty.
fn instant(text: &str) -> Option<i64> {
    (!text.is_empty()).then(|| whole(text))
}

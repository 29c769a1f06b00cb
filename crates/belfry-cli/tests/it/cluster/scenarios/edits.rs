//! Users write at the very instants at which schedules are due.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::deployment::{Broker, Deployment};
use super::super::ledger::Ledger;
use super::super::load::{Load, instant};

const EACH: usize = 4;

/// What stood when a write was answered: from then on, nothing of `revision` or before it may be added.
struct Promise {
    schedule: String,
    revision: i64,
    runs: usize,
}

/// `rounds` of edits, pauses, resumes and deletes, several at once, against two daemons.
pub fn edits(broker: Broker, background: Load, rounds: usize) {
    let mut deployment = Deployment::of(broker, 2, 2);
    background.make(&deployment, "default");
    // One for each schedule that is written to at the same time: writes to one workflow wait for each other.
    let workflows: Vec<String> = (0..3 * EACH).map(|place| make_workflow(&deployment, place)).collect();
    let edited = make(&deployment, &workflows[..EACH], "edited");
    let paused = make(&deployment, &workflows[EACH..2 * EACH], "paused");
    let promises = deployment.phase("rounds", |deployment| {
        let mut aim = Aim { lag: 0 };
        let mut promises = Vec::new();
        for round in 0..rounds {
            promises.extend(one_round(deployment, round, &mut aim, (&workflows[2 * EACH..], &edited, &paused)));
        }
        promises
    });
    let (ledger, verdict) = deployment.conclude(&format!("edits: {rounds} rounds, beside {background:?}"));
    println!("{} writes; how far from an occurrence, in ms: {:?}", promises.len(), distances(&ledger));
    let broken: Vec<String> = promises.iter().filter_map(|promise| promise.broken(&ledger)).collect();
    assert!(broken.is_empty(), "an old spec fired after the answer:\n{}", broken.join("\n"));
    let reasons: Vec<&str> = verdict.recorded.keys().map(String::as_str).collect();
    assert!(reasons.iter().all(|reason| ["paused", "deleted"].contains(reason)), "{:?}", verdict.recorded);
    assert_eq!(ledger.schedules.iter().filter(|schedule| schedule.deleted_at.is_some()).count(), rounds * EACH);
}

/// Makes some schedules in `workflows`, and deletes them while it edits and pauses others; then resumes.
fn one_round(
    deployment: &Deployment,
    round: usize,
    aim: &mut Aim,
    (workflows, edited, paused): (&[String], &[String], &[String]),
) -> Vec<Promise> {
    let deleted = make(deployment, workflows, &format!("deleted-{round}"));
    // Each edit moves the occurrences a little: those of the old spec are none of the new one's.
    let spec = json!({"every": "PT1S", "start": anchor(i64::try_from(round % 20 + 1).unwrap() * 3)});
    let edits = edited.iter().map(|id| (Method::PATCH, format!("/schedules/{id}"), Some(spec.clone())));
    let pauses = paused.iter().map(|id| (Method::POST, format!("/schedules/{id}/pause"), None));
    let deletes = deleted.iter().map(|id| (Method::DELETE, format!("/schedules/{id}"), None));
    let resumes = paused.iter().map(|id| (Method::POST, format!("/schedules/{id}/resume"), None));
    let target = aim.take(deployment, round);
    let mut promises = write(deployment, aim, target, edits.chain(pauses).chain(deletes));
    let target = aim.take(deployment, round + 7);
    promises.extend(write(deployment, aim, target, resumes));
    promises
}

fn make_workflow(deployment: &Deployment, place: usize) -> String {
    let workflow = json!({"name": format!("edited-{place}"), "definition": {"edges": [], "nodes":
        [{"id": "say", "type": "log", "parameters": {"message": "{{ run.nominal_time }}"}}]}});
    id(&deployment.ask(Method::POST, "/workflows", Some(workflow)))
}

/// Schedules every second, at the full ones.
fn make(deployment: &Deployment, workflows: &[String], name: &str) -> Vec<String> {
    let calls = workflows.iter().map(|workflow| {
        let schedule = json!({"name": name, "every": "PT1S", "start": anchor(0)});
        deployment.to_api(Method::POST, &format!("/workflows/{workflow}/schedules"), Some(schedule))
    });
    deployment.http.all(calls.collect()).iter().map(id).collect()
}

/// Writes are to happen shortly before and after a full second.
struct Aim {
    /// How long after they were begun the last ones happened, in milliseconds.
    lag: i64,
}

impl Aim {
    /// Answers when the next writes are to happen, each time at another distance from a second, when it is time to begin.
    fn take(&self, deployment: &Deployment, round: usize) -> i64 {
        const EARLIEST: i64 = -15;
        const STEPS: usize = 31;
        let next = (deployment.postgres.now() + self.lag + 150).div_euclid(1_000) * 1_000 + 1_000;
        let target = next + EARLIEST + i64::try_from(round * 7 % STEPS).unwrap();
        deployment.postgres.wait_until(target - self.lag);
        target
    }

    /// What was to happen at `target` happened at these instants.
    fn learn(&mut self, target: i64, answers: &[Value]) {
        let written = answers.iter().filter_map(|answer| answer["updated_at"].as_str());
        let mut happened: Vec<i64> = written.map(|at| at.parse::<Timestamp>().unwrap().as_millisecond()).collect();
        happened.sort_unstable();
        self.lag = (self.lag + happened[happened.len() / 2] - target).clamp(0, 500);
    }
}

/// What a write asks.
type Asked = (Method, String, Option<Value>);

/// Writes all of it at once, then reads what stands.
fn write(deployment: &Deployment, aim: &mut Aim, target: i64, calls: impl Iterator<Item = Asked>) -> Vec<Promise> {
    let calls: Vec<_> = calls.collect();
    let sent = calls.iter().cloned().map(|(method, path, body)| deployment.to_api(method, &path, body));
    let answers = deployment.http.all(sent.collect());
    aim.learn(target, &answers);
    let promised: Vec<_> = calls.iter().zip(&answers).map(|((_, path, _), answer)| promised(path, answer)).collect();
    let values: Vec<String> =
        promised.iter().enumerate().map(|(place, (schedule, revision))| format!("({place}, '{schedule}'::uuid, {revision})")).collect();
    let count = format!(
        "SELECT count(run.id)
         FROM (VALUES {}) promised (place, schedule, revision)
         LEFT JOIN workflow_runs run
           ON run.schedule_id = promised.schedule
          AND run.schedule_revision <= promised.revision
         GROUP BY promised.place
         ORDER BY promised.place",
        values.join(", ")
    );
    let runs = deployment.postgres.rows(&count).into_iter().map(|row| row[0].parse().unwrap());
    promised.into_iter().zip(runs).map(|((schedule, revision), runs)| Promise { schedule, revision, runs }).collect()
}

/// Which schedule and up to which revision of it an answer promises that nothing is added.
fn promised(path: &str, answer: &Value) -> (String, i64) {
    let schedule = path.split('/').nth(2).unwrap().to_owned();
    // A deleted one answers nothing, and may not fire at all.
    let Some(revision) = answer["revision"].as_i64() else { return (schedule, i64::MAX) };
    (schedule, if answer["is_active"] == true { revision - 1 } else { revision })
}

impl Promise {
    fn broken(&self, ledger: &Ledger) -> Option<String> {
        let runs = ledger.runs.iter().filter(|run| run.schedule == self.schedule && run.revision <= self.revision).count();
        let Promise { schedule, revision, runs: answered } = self;
        (runs != *answered).then(|| format!("{schedule}: {answered} runs up to revision {revision} when answered, then {runs}"))
    }
}

/// How far from an occurrence each revision ended, by tens of milliseconds: near 0 the race was close.
fn distances(ledger: &Ledger) -> BTreeMap<i64, usize> {
    let mut distances = BTreeMap::new();
    for schedule in &ledger.schedules {
        let ends = schedule.revisions.iter().skip(1).map(|next| next.created_at).chain(schedule.deleted_at);
        for (revision, end) in schedule.revisions.iter().zip(ends) {
            let after = (end - revision.start).rem_euclid(revision.every);
            let distance = if after > revision.every / 2 { after - revision.every } else { after };
            *distances.entry(distance.div_euclid(10) * 10).or_default() += 1;
        }
    }
    distances
}

fn anchor(offset: i64) -> String {
    // Any second that has passed.
    instant(1_700_000_000_000 + offset)
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

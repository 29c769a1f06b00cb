use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{
    Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, Clock, Conflict, Finish, FinishAnswer, Page, RunFilter, RunStore, StoreError,
    StoreResult,
};
use belfry_core::run::{NodeResult, Run, RunState};
use belfry_core::workflow::Delivery;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;

use super::FakeClock;
use crate::settings::CLAIM_LENGTH;

/// What goes wrong with one call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is written.
    Unavailable,
    /// It is written, and the answer is lost.
    AnswerLost,
    /// Nothing is written, and nothing answered.
    Silent,
    /// It is written, and never answered.
    SilentlyDone,
    /// It is written, and answered ten seconds later.
    Late,
    Refused,
}

pub struct FakeStore {
    clock: Arc<FakeClock>,
    rows: Mutex<Rows>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Rows {
    runs: BTreeMap<RunId, (Run, Value, Option<ClaimToken>)>,
    faults: BTreeMap<&'static str, VecDeque<Fault>>,
    /// Each call that arrived, in order, as `verb` or `verb node state`.
    calls: Vec<String>,
    tokens: Vec<ClaimToken>,
    most_running: usize,
}

impl FakeStore {
    pub fn new(clock: Arc<FakeClock>) -> Arc<FakeStore> {
        Arc::new(FakeStore { clock, rows: Mutex::default(), changed: watch::channel(()).0 })
    }

    pub fn add(&self, run: Run, definition: Value) {
        self.rows.lock().unwrap().runs.insert(run.id, (run, definition, None));
    }

    /// The next calls of `verb` go wrong like this, one fault a call.
    pub fn fail(&self, verb: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.rows.lock().unwrap().faults.entry(verb).or_default().extend(faults);
    }

    pub fn calls(&self) -> Vec<String> {
        self.rows.lock().unwrap().calls.clone()
    }

    pub fn tokens(&self) -> Vec<ClaimToken> {
        self.rows.lock().unwrap().tokens.clone()
    }

    pub fn most_running(&self) -> usize {
        self.rows.lock().unwrap().most_running
    }

    pub fn row(&self, run: RunId) -> Run {
        self.rows.lock().unwrap().runs[&run].0.clone()
    }

    /// The claim ran out and the reaper came.
    pub fn reap(&self, run: RunId) {
        let mut rows = self.rows.lock().unwrap();
        let (row, _, token) = rows.runs.get_mut(&run).unwrap();
        (row.state, *token) = (RunState::Pending, None);
        row.claim_epoch += 1;
    }

    /// Waits until `run` is as wished; a day of virtual time is long enough.
    pub async fn until(&self, run: RunId, wished: impl Fn(&Run) -> bool) -> Run {
        let mut changes = self.changed.subscribe();
        let wait = async {
            loop {
                let row = self.row(run);
                if wished(&row) {
                    return row;
                }
                changes.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(86_400), wait).await;
        waited.unwrap_or_else(|_| panic!("never so: {:#?}, after {:#?}", self.row(run), self.calls()))
    }

    /// Waits until `verb` was called.
    pub async fn until_called(&self, verb: &str) {
        let mut changes = self.changed.subscribe();
        while !self.calls().iter().any(|call| call.starts_with(verb)) {
            changes.changed().await.unwrap();
        }
    }

    pub async fn ended(&self, run: RunId) -> Run {
        self.until(run, |row| row.state.is_terminal()).await
    }

    async fn call<T>(&self, verb: &'static str, text: String, act: impl FnOnce(&mut Rows) -> StoreResult<T> + Send) -> StoreResult<T> {
        let fault = {
            let mut rows = self.rows.lock().unwrap();
            rows.calls.push(text);
            rows.faults.get_mut(verb).and_then(VecDeque::pop_front)
        };
        self.changed.send_replace(());
        let answer = match fault {
            None | Some(Fault::AnswerLost | Fault::SilentlyDone | Fault::Late) => act(&mut self.rows.lock().unwrap()),
            Some(Fault::Unavailable) => return Err(StoreError::Unavailable("as ordered".to_owned())),
            Some(Fault::Refused) => return Err(StoreError::Data("as ordered".to_owned())),
            Some(Fault::Silent) => return std::future::pending().await,
        };
        self.changed.send_replace(());
        match fault {
            Some(Fault::AnswerLost) => Err(StoreError::InDoubt("as ordered".to_owned())),
            Some(Fault::Late) => {
                self.clock.sleep(SignedDuration::from_secs(10)).await;
                answer
            }
            Some(_) => std::future::pending().await,
            None => answer,
        }
    }
}

impl Rows {
    fn held(&mut self, run: RunId, epoch: i64) -> Option<&mut Run> {
        let row = &mut self.runs.get_mut(&run)?.0;
        (row.state == RunState::Running && row.claim_epoch == epoch).then_some(row)
    }
}

#[async_trait]
impl RunStore for FakeStore {
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer> {
        let claim_until = self.clock.store_now().plus(CLAIM_LENGTH);
        self.call("claim", "claim".to_owned(), |rows| {
            rows.tokens.push(claim.token);
            let Some((row, definition, token)) = rows.runs.get_mut(&claim.run_id) else { return Ok(ClaimAnswer::Refused(None)) };
            if row.delivery == Delivery::Handoff {
                return Ok(ClaimAnswer::Handoff);
            }
            let again = row.state == RunState::Running && *token == Some(claim.token);
            if !again {
                if !matches!(row.state, RunState::Pending | RunState::Queued) || row.cancel_requested_at.is_some() {
                    return Ok(ClaimAnswer::Refused(Some(row.state)));
                }
                (row.state, *token) = (RunState::Running, Some(claim.token));
                row.claim_epoch += 1;
                row.attempt += 1;
                row.claimed_by = Some(claim.worker);
                row.claim_until = Some(claim_until);
            }
            let claimed = ClaimedRun {
                run: row.clone(),
                definition: definition.clone(),
                previous_nominal_time: None,
                next_nominal_time: None,
                epoch: row.claim_epoch,
                claim_until: row.claim_until.unwrap(),
            };
            let running = rows.runs.values().filter(|(row, ..)| row.state == RunState::Running).count();
            rows.most_running = rows.most_running.max(running);
            Ok(ClaimAnswer::Claimed(Box::new(claimed)))
        })
        .await
    }

    async fn heartbeat(&self, run: RunId, epoch: i64, _: Option<String>) -> StoreResult<Beat> {
        let claim_until = self.clock.store_now().plus(CLAIM_LENGTH);
        self.call("heartbeat", "heartbeat".to_owned(), |rows| {
            Ok(rows.held(run, epoch).map_or(Beat::Stale, |row| {
                row.claim_until = Some(claim_until);
                Beat::Alive { claim_until, cancel_requested: row.cancel_requested_at.is_some() }
            }))
        })
        .await
    }

    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool> {
        let text = format!("record {} {}", result.node_id, result.state);
        self.call("record", text, |rows| {
            let Some(row) = rows.held(run, epoch) else { return Ok(false) };
            match row.nodes.iter_mut().find(|known| known.node_id == result.node_id) {
                Some(known) => *known = result,
                None => row.nodes.push(result),
            }
            Ok(true)
        })
        .await
    }

    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer> {
        let now = self.clock.store_now();
        self.call("finish", format!("finish {}", finish.state), |rows| {
            if let Some(row) = rows.held(run, epoch) {
                (row.state, row.error, row.finished_at) = (finish.state, finish.error, Some(now));
            }
            let row = &rows.runs[&run].0;
            let ours = row.state.is_terminal() && row.claim_epoch == epoch;
            Ok(if ours { FinishAnswer::Recorded(row.state) } else { FinishAnswer::Stale })
        })
        .await
    }

    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool> {
        self.call("release", "release".to_owned(), |rows| {
            let Some(row) = rows.held(run, epoch) else { return Ok(false) };
            row.state = if row.cancel_requested_at.is_some() { RunState::Cancelled } else { RunState::Pending };
            row.claim_epoch += 1;
            row.attempt -= 1;
            Ok(true)
        })
        .await
    }

    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled> {
        let now = self.clock.store_now();
        self.call("cancel", "cancel".to_owned(), |rows| {
            let row = &mut rows.runs.get_mut(&run).ok_or(StoreError::NotFound("run"))?.0;
            if row.state.is_terminal() {
                return Err(Conflict::RunEnded(row.state).into());
            }
            row.cancel_requested_at.get_or_insert(now);
            Ok(Cancelled::Asked)
        })
        .await
    }

    async fn run(&self, run: RunId) -> StoreResult<Run> {
        Ok(self.row(run))
    }

    async fn runs(&self, _: RunFilter) -> StoreResult<Page<Run>> {
        unreachable!("a worker lists no runs")
    }
}

//! One process of the simulation: what it asks goes through gates, so that it can be frozen, killed, and cut off.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use belfry_core::ports::{StoreError, StoreResult};
use tokio::sync::{Notify, oneshot};

use crate::faults::{Fault, Verb};
use crate::hub::Hub;
use crate::random::Random;

/// For how long a client waits for an answer.
const ANSWER_LIMIT: i64 = 8_000;
/// How often what is held up is sent again.
pub const WAY_TRIED_EVERY: i64 = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Frozen,
    Dead,
}

pub struct Process {
    pub name: String,
    /// Which process of the simulation it is: 0, 1, …
    pub number: u64,
    /// How long before the simulation its host booted.
    pub booted_before: i64,
    /// By how many millionths its host's clock is too fast.
    pub drift: i64,
    pub hub: Arc<Hub>,
    /// In the order in which they came: a watch of tokio's wakes by chance.
    thawed: Notify,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    random: Random,
    /// What is to go wrong with the next calls of a verb.
    planned: VecDeque<(Verb, Fault)>,
    /// Until when nothing of it reaches the store.
    cut_until: i64,
    /// When it heard of the store for the first time, in virtual time.
    answered_at: Option<i64>,
}

/// How one call will go.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    pub there: i64,
    pub back: i64,
    pub fault: Option<Fault>,
    /// Whether it is lost when its process dies before it arrives, and where the way is cut; else it arrives all the same,
    /// once there is a way again.
    pub is_lost_on_the_way: bool,
}

impl Process {
    pub fn new(hub: Arc<Hub>, name: String, number: u64) -> Arc<Process> {
        let mut random = Random::of(&[hub.seed, number]);
        let booted_before = random.below(1_000_000_000) as i64;
        let drift = random.below(161) as i64 - 80;
        let inner = Inner { state: State::Running, random, planned: VecDeque::new(), cut_until: 0, answered_at: None };
        Arc::new(Process { name, number, booted_before, drift, hub, thawed: Notify::new(), inner: Mutex::new(inner) })
    }

    /// Waits while the process is frozen, for ever when it is dead; true when it had to wait.
    pub async fn pass(&self) -> bool {
        let mut waited = false;
        loop {
            let thawed = self.thawed.notified();
            tokio::pin!(thawed);
            thawed.as_mut().enable();
            if self.state() == State::Running {
                return waited;
            }
            waited = true;
            thawed.await;
        }
    }

    pub fn freeze(&self) {
        self.change(State::Running, State::Frozen);
    }

    pub fn thaw(&self) {
        self.change(State::Frozen, State::Running);
        self.thawed.notify_waiters();
    }

    pub fn die(&self) {
        self.inner().state = State::Dead;
    }

    pub fn is_dead(&self) -> bool {
        self.state() == State::Dead
    }

    pub fn is_frozen(&self) -> bool {
        self.state() == State::Frozen
    }

    fn state(&self) -> State {
        self.inner().state
    }

    fn change(&self, from: State, to: State) {
        let mut inner = self.inner();
        inner.state = if inner.state == from { to } else { inner.state };
    }

    pub fn plan(&self, verb: Verb, fault: Fault, times: u32) {
        self.inner().planned.extend((0..times).map(|_| (verb, fault)));
    }

    pub fn forget_plans(&self) {
        let mut inner = self.inner();
        inner.planned.clear();
        inner.cut_until = 0;
    }

    pub fn cut_until(&self, until: i64) {
        self.inner().cut_until = until;
    }

    pub fn is_cut(&self) -> bool {
        self.hub.time.millis() < self.inner().cut_until
    }

    pub fn fate(&self, verb: Verb) -> Fate {
        let weather = self.hub.weather();
        let mut inner = self.inner();
        let planned = inner.planned.iter().position(|(planned, _)| *planned == verb).and_then(|at| inner.planned.remove(at));
        let fault = planned.map(|(_, fault)| fault).or_else(|| weather.fault(verb, &mut inner.random));
        let mut fate = Fate {
            there: inner.random.below(weather.latency.into()) as i64,
            back: 1 + inner.random.below(weather.latency.into()) as i64,
            fault,
            is_lost_on_the_way: inner.random.chance(500),
        };
        match fault {
            Some(Fault::Late(by)) => fate.there += i64::from(by),
            Some(Fault::LateAnswer(by)) => fate.back += i64::from(by),
            _ => {}
        }
        drop(inner);
        if let Some(fault) = fault {
            self.hub.failed(fault_name(fault));
        }
        fate
    }

    /// `what` in words, where they are kept.
    pub fn words(&self, what: &impl std::fmt::Debug) -> String {
        if self.hub.log.is_kept() { format!("{what:?}") } else { String::new() }
    }

    /// Since when it knows the store's clock.
    pub fn answered_at(&self) -> i64 {
        self.inner().answered_at.unwrap_or(i64::MAX)
    }

    /// A number of this process' own.
    pub fn below(&self, bound: u64) -> u64 {
        self.inner().random.below(bound)
    }

    /// Carries `effect` to the store and its answer back. Once sent it takes its way whether or not anybody still waits.
    pub async fn ask<T, F>(self: &Arc<Self>, verb: Verb, what: String, effect: F) -> StoreResult<T>
    where
        T: std::fmt::Debug + Send + 'static,
        F: FnOnce(&Hub, &Process) -> StoreResult<T> + Send + 'static,
    {
        self.pass().await;
        let fate = self.fate(verb);
        let (answer, mut answered) = oneshot::channel();
        let process = Arc::clone(self);
        tokio::spawn(async move {
            let done = process.carry(verb, &what, fate, effect).await;
            process.hub.time.sleep(fate.back).await;
            process.find_a_way(fate).await;
            // Nobody may be waiting any more.
            drop(answer.send(done));
        });
        let time = self.hub.time;
        let done = tokio::select! {
            biased;
            done = &mut answered => done.ok(),
            () = time.sleep(ANSWER_LIMIT) => None,
        };
        self.pass().await;
        if matches!(done, Some(Ok(_))) {
            self.inner().answered_at.get_or_insert(time.millis());
        }
        done.unwrap_or_else(|| Err(silence(verb)))
    }

    async fn carry<T, F>(&self, verb: Verb, what: &str, fate: Fate, effect: F) -> StoreResult<T>
    where
        T: std::fmt::Debug,
        F: FnOnce(&Hub, &Process) -> StoreResult<T>,
    {
        self.hub.time.sleep(fate.there).await;
        self.find_a_way(fate).await;
        if fate.fault == Some(Fault::Refused) && verb == Verb::Fire {
            self.hub.log.line(|| format!("{} {verb:?} {what} => refused as data", self.name));
            return Err(StoreError::Data("simulated".to_owned()));
        }
        if self.hub.store_is_down() || matches!(fate.fault, Some(Fault::Before | Fault::Half | Fault::Refused)) {
            self.hub.log.line(|| format!("{} {verb:?} {what} => refused", self.name));
            return Err(StoreError::Unavailable("simulated".to_owned()));
        }
        let done = self.hub.guarded(|| effect(&self.hub, self));
        self.hub.log.line(|| format!("{} {verb:?} {what} => {done:?}", self.name));
        match done {
            Ok(_) if fate.fault == Some(Fault::After) => Err(silence(verb)),
            done => done,
        }
    }

    /// Waits for as long as the store cannot be reached; for ever when that costs what is on its way.
    async fn find_a_way(&self, fate: Fate) {
        if fate.is_lost_on_the_way && self.is_dead() {
            return pending().await;
        }
        while self.is_cut() || self.hub.store_is_silent() {
            if fate.is_lost_on_the_way {
                return pending().await;
            }
            self.hub.time.sleep(WAY_TRIED_EVERY).await;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it is held")
    }
}

fn silence(verb: Verb) -> StoreError {
    let reason = "simulated silence".to_owned();
    if verb.writes() { StoreError::InDoubt(reason) } else { StoreError::Unavailable(reason) }
}

fn fault_name(fault: Fault) -> &'static str {
    match fault {
        Fault::Before => "failed before",
        Fault::After => "answer lost",
        Fault::Late(_) => "late",
        Fault::LateAnswer(_) => "late answer",
        Fault::Twice => "doubled message",
        Fault::Half => "half a batch",
        Fault::Refused => "refused",
        Fault::Held(_) => "held message",
    }
}

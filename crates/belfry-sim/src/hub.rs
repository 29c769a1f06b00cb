//! What all processes of a simulation share: time, the store, the broker, the weather, and who watches over them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use belfry_core::ports::{StoreError, StoreResult};
use belfry_testkit::reference::ReferenceStore;
use futures_util::FutureExt;

use crate::audit::Audit;
use crate::broker::Broker;
use crate::execute::Options;
use crate::faults::Weather;
use crate::log::Log;
use crate::time::{StoreWall, Virtual};

pub struct Hub {
    pub seed: u64,
    pub time: Virtual,
    pub wall: Arc<StoreWall>,
    pub store: ReferenceStore,
    pub broker: Broker,
    pub log: Log,
    weather: Mutex<Weather>,
    trouble: Mutex<Trouble>,
    audit: Mutex<Audit>,
    faults: Mutex<Counts>,
    operations: Mutex<Counts>,
}

/// How often, by kind.
pub type Counts = BTreeMap<&'static str, u64>;

/// Until when the store is in which trouble, in milliseconds of virtual time.
#[derive(Default)]
struct Trouble {
    down_until: i64,
    silent_until: i64,
    /// Nothing new of a user is taken any more.
    is_closed: bool,
}

impl Hub {
    pub fn new(seed: u64, follows: bool, options: &Options) -> Arc<Hub> {
        let time = Virtual::begin();
        let wall = Arc::new(StoreWall::new(time, seed));
        let mut store = ReferenceStore::new(wall.clone());
        if follows {
            store = store.with_a_clock_that_may_go_back();
        }
        if !options.mutations.is_empty() {
            store = store.mutated(&options.mutations);
        }
        Arc::new(Hub {
            seed,
            time,
            audit: Mutex::new(Audit::new(store.clone(), time, Arc::clone(&wall))),
            wall,
            store,
            broker: Broker::new(),
            log: Log::new(time, options.keep_log),
            weather: Mutex::new(Weather::CALM),
            trouble: Mutex::default(),
            faults: Mutex::default(),
            operations: Mutex::default(),
        })
    }

    pub fn weather(&self) -> Weather {
        *locked(&self.weather)
    }

    pub fn set_weather(&self, weather: Weather) {
        *locked(&self.weather) = weather;
    }

    pub fn audit(&self) -> MutexGuard<'_, Audit> {
        locked(&self.audit)
    }

    /// Something of the kind failed.
    pub fn failed(&self, what: &'static str) {
        *locked(&self.faults).entry(what).or_default() += 1;
    }

    /// Something of the kind was done.
    pub fn did(&self, what: &'static str) {
        *locked(&self.operations).entry(what).or_default() += 1;
    }

    pub fn faults(&self) -> Counts {
        locked(&self.faults).clone()
    }

    pub fn operations(&self) -> Counts {
        locked(&self.operations).clone()
    }

    pub fn store_fails(&self, for_millis: i64, silently: bool) {
        let until = self.time.millis() + for_millis;
        let mut trouble = locked(&self.trouble);
        *(if silently { &mut trouble.silent_until } else { &mut trouble.down_until }) = until;
    }

    pub fn store_recovers(&self) {
        let mut trouble = locked(&self.trouble);
        (trouble.down_until, trouble.silent_until) = (0, 0);
    }

    pub fn close_to_users(&self) {
        locked(&self.trouble).is_closed = true;
    }

    pub fn is_closed_to_users(&self) -> bool {
        locked(&self.trouble).is_closed
    }

    pub fn store_is_down(&self) -> bool {
        self.time.millis() < locked(&self.trouble).down_until
    }

    pub fn store_is_silent(&self) -> bool {
        self.time.millis() < locked(&self.trouble).silent_until
    }

    /// A panic of the model is a violation, not the end of the simulation.
    pub fn guarded<T>(&self, effect: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        catch_unwind(AssertUnwindSafe(effect)).unwrap_or_else(|panic| {
            self.audit().violated("model", format!("the model panicked: {}", words_of(&*panic)));
            Err(StoreError::Unavailable("the model panicked".to_owned()))
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "without words".to_owned())
}

/// What the model answers; it never waits.
pub fn answer<T>(verb: impl Future<Output = T>) -> T {
    verb.now_or_never().expect("the reference model never waits")
}

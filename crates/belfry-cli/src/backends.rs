//! The stores and queues that there are: the one place that names them. Everything else in the program knows ports.

pub mod cluster;
pub mod embedded;

use std::sync::Arc;

use belfry_core::ports::{CalendarStore, IdempotencyStore, KeyStore, PollStore, RevisionStore, RunStore, ScheduleStore, WorkflowStore};

/// One store, by its ports.
#[derive(Clone)]
pub struct Stores {
    pub workflows: Arc<dyn WorkflowStore>,
    pub runs: Arc<dyn RunStore>,
    pub polls: Arc<dyn PollStore>,
    pub revisions: Arc<dyn RevisionStore>,
    pub calendars: Arc<dyn CalendarStore>,
    pub keys: Arc<dyn KeyStore>,
    pub idempotency: Arc<dyn IdempotencyStore>,
    pub schedules: Arc<dyn ScheduleStore>,
}

impl Stores {
    fn of<S>(store: S) -> Stores
    where
        S: WorkflowStore + RunStore + PollStore + RevisionStore + CalendarStore + KeyStore + IdempotencyStore + ScheduleStore + 'static,
    {
        let store = Arc::new(store);
        Stores {
            workflows: store.clone(),
            runs: store.clone(),
            polls: store.clone(),
            revisions: store.clone(),
            calendars: store.clone(),
            keys: store.clone(),
            idempotency: store.clone(),
            schedules: store,
        }
    }
}

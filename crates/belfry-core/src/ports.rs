//! The ports: what the pure parts need of the world, as domain verbs. One verb is one transaction.
//!
//! They are split by who uses them, so that the daemon cannot call what users do, and a worker knows no schedules:
//! [`ScheduleStore`] (daemon), [`WorkflowStore`], [`CalendarStore`], [`KeyStore`] and [`IdempotencyStore`] (API), [`RunStore`]
//! (worker, history), [`Queue`], [`Clock`], [`Ids`]. Each method's doc is a contract; the suites in `belfry-testkit` hold every backend to it.

mod calendar_store;
mod clock;
mod error;
mod idempotency_store;
mod key_store;
mod queue;
mod run_store;
mod schedule_store;
mod workflow_store;

pub use calendar_store::{Calendar, CalendarFilter, CalendarRevision, CalendarStore, CalendarWrite, CalendarWritten};
pub use clock::{Boot, Clock, Ids, WallClock};
pub use error::{Conflict, StoreError, StoreResult, check_revision};
pub use idempotency_store::{
    HeldKey, IDEMPOTENCY_HELD, IDEMPOTENCY_KEPT, IDEMPOTENCY_SWEPT, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore,
    KeptAnswer,
};
pub use key_store::{ApiKey, KeyStore, NewKey, Scope, Scopes};
pub use queue::{Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled};
pub use run_store::{Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, Finish, FinishAnswer, Page, PollStore, RunFilter, RunStore};
pub use schedule_store::{
    BACKLOG_COUNTED, BELIEF_TOLERANCE, Backlog, DueKey, DueSchedule, Fire, FireAnswer, FireBatch, FireCode, FireResult, GiveBack, Look,
    MAX_REDRIVES, MEMBER_DEAD_AFTER, Mark, Member, Membership, NewRun, PendingRun, PublishLease, REDRIVE_AFTER, Reaped, Redrive, Redriven,
    ScheduleStore, Swept,
};
pub use workflow_store::{
    NewManualRun, NewSchedule, NewWorkflow, RevisionStore, ScheduleEdit, ScheduleFilter, ScheduleOrder, ScheduleRevision, TriggerSchedule,
    WorkflowFilter, WorkflowOrder, WorkflowStore, WorkflowWrite,
};

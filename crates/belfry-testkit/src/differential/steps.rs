//! What a history is made of. Steps name what they are about by an index into what the history has made so far, so that a
//! history stays one when a part of it is taken out.

use belfry_core::run::RunState;
use belfry_core::schedule::{CatchUp, Lateness, ScheduleContent};
use belfry_core::spec::{At, Spec};
use belfry_core::time::{UnixMillis, Zone};
use jiff::SignedDuration;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use crate::stores::{content, every};

#[derive(Debug, Clone)]
pub(super) enum Step {
    Advance { by: SignedDuration },
    CreateWorkflow { name: u8, trigger: Option<Trigger>, handoff: bool },
    UpdateWorkflow { workflow: Index, change: WorkflowChange, stale: bool },
    DeleteWorkflow { workflow: Index, stale: bool },
    CreateSchedule { workflow: Index, name: u8, timing: Timing, is_active: bool },
    EditSchedule { schedule: Index, name: Option<u8>, timing: Option<Timing>, is_active: Option<bool>, stale: bool },
    DeleteSchedule { schedule: Index, stale: bool },
    PutCalendar { name: u8, days: u8, union: Option<u8>, stale: bool },
    DeleteCalendar { name: u8 },
    PlanBy { schedule: Index, name: u8, old: bool },
    StartRun { workflow: Index },
    Fire { wait: SignedDuration, limit: usize, publisher: Option<Index>, twist: Twist },
    FireAgain,
    Sweep { member: Index, limit: usize },
    Mark { runs: Vec<Index>, seq: i64 },
    GiveBack { run: Index, seq: i64, retry_in: SignedDuration },
    Claim { run: Index, token: Index },
    Heartbeat { run: Index, epoch: i64, says: bool },
    RecordNode { run: Index, epoch: i64, node: u8 },
    Finish { run: Index, epoch: i64, state: RunState, leaves: bool },
    Release { run: Index, epoch: i64 },
    Cancel { run: Index },
    Reap { wait: SignedDuration, limit: usize, behind: SignedDuration },
    Beat { wait: SignedDuration, member: Index, is_draining: bool, tells: bool },
    Bury { behind: SignedDuration },
    Leave { member: Index },
    Redrive { wait: SignedDuration, nothing_ready: bool, limit: usize, behind: SignedDuration },
    LookInShards { shards: Vec<u8>, limit: usize },
    CreateKey,
    RevokeKey { key: Index },
}

/// What an update makes of a workflow; what is `None` stays.
#[derive(Debug, Clone)]
pub(super) struct WorkflowChange {
    pub name: Option<u8>,
    pub definition: Option<u32>,
    pub others: bool,
    /// Stays, goes, or is this one.
    pub trigger: Option<Option<Trigger>>,
}

#[derive(Debug, Clone)]
pub(super) struct Trigger {
    pub timing: Timing,
    pub is_active: Option<bool>,
}

/// What is done to a decision before it is carried out. Only the first one of a batch is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    None,
    OtherRevision,
    Ahead,
    Failed,
    Refused,
    Twice,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Timing {
    EveryTen,
    EveryThreeForLong,
    Once,
    Cron,
    Ending,
}

impl Timing {
    pub(super) fn content(self, now: UnixMillis) -> ScheduleContent {
        let seconds = SignedDuration::from_secs;
        match self {
            Timing::EveryTen => every(10, now),
            Timing::EveryThreeForLong => content(Spec::every(seconds(3), now.minus(seconds(7_000)))),
            Timing::Once => content(Spec::at(At::Instant(now.plus(seconds(4))))),
            Timing::Cron => ScheduleContent {
                timezone: Zone::named("Europe/Berlin").expect("it is one"),
                input: json!({"to": ["a", "b"], "of": {"n": 1.5}}),
                ..content(Spec::cron("*/2 * * * *".parse().expect("it is one")))
            },
            Timing::Ending => ScheduleContent {
                end_at: Some(now.plus(seconds(40))),
                lateness: Lateness { catch_up: CatchUp::None, missed_after: seconds(5), ..Lateness::default() },
                ..content(Spec::every(seconds(5), now))
            },
        }
    }
}

/// Often as they should be, and sometimes not.
fn mostly<T: std::fmt::Debug + Clone + 'static>(right: T, wrong: T) -> impl Strategy<Value = T> {
    prop_oneof![5 => Just(right), 1 => Just(wrong)]
}

fn index() -> impl Strategy<Value = Index> {
    any::<Index>()
}

fn stale() -> impl Strategy<Value = bool> {
    mostly(false, true)
}

/// The difference to the epoch, or to the sequence, that stands.
fn off() -> impl Strategy<Value = i64> {
    mostly(0, -1)
}

fn length() -> impl Strategy<Value = SignedDuration> {
    select(vec![1, 999, 1_000, 4_000, 10_000, 15_000, 30_000, 61_000, 180_000]).prop_map(SignedDuration::from_millis)
}

fn wait() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![Just(SignedDuration::ZERO), length()]
}

/// How far the clock is ahead of what the caller believes it to be.
fn behind() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![4 => Just(0), 1 => Just(1_000), 1 => Just(1_001), 1 => Just(-60_000)].prop_map(SignedDuration::from_millis)
}

/// About the lifetime of a member.
fn lifetime() -> impl Strategy<Value = SignedDuration> {
    select(vec![0, 1_000, 2_999, 3_000, 3_001]).prop_map(SignedDuration::from_millis)
}

/// The intervals of redrives, to the millisecond and a little less.
fn interval() -> impl Strategy<Value = SignedDuration> {
    let intervals = (0..6_u32, 0..2_i64).prop_map(|(redrives, less)| SignedDuration::from_millis((30_000 << redrives) - less));
    prop_oneof![1 => Just(SignedDuration::ZERO), 3 => intervals]
}

fn timing() -> impl Strategy<Value = Timing> {
    select(vec![Timing::EveryTen, Timing::EveryThreeForLong, Timing::Once, Timing::Cron, Timing::Ending])
}

fn trigger() -> impl Strategy<Value = Trigger> {
    (timing(), option::weighted(0.3, any::<bool>())).prop_map(|(timing, is_active)| Trigger { timing, is_active })
}

fn change() -> impl Strategy<Value = WorkflowChange> {
    let trigger = option::weighted(0.4, option::weighted(0.7, trigger()));
    (option::weighted(0.3, 0..4_u8), option::weighted(0.5, 1..4_u32), any::<bool>(), trigger)
        .prop_map(|(name, definition, others, trigger)| WorkflowChange { name, definition, others, trigger })
}

fn twist() -> impl Strategy<Value = Twist> {
    let twists = vec![Twist::OtherRevision, Twist::Ahead, Twist::Failed, Twist::Refused, Twist::Twice];
    prop_oneof![3 => Just(Twist::None), 1 => select(twists)]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![5 => users(), 8 => daemons(), 7 => workers()]
}

fn users() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_u8, option::weighted(0.4, trigger()), mostly(false, true))
            .prop_map(|(name, trigger, handoff)| Step::CreateWorkflow { name, trigger, handoff }),
        5 => (index(), change(), stale()).prop_map(|(workflow, change, stale)| Step::UpdateWorkflow { workflow, change, stale }),
        1 => (index(), stale()).prop_map(|(workflow, stale)| Step::DeleteWorkflow { workflow, stale }),
        8 => (index(), 0..4_u8, timing(), mostly(true, false))
            .prop_map(|(workflow, name, timing, is_active)| Step::CreateSchedule { workflow, name, timing, is_active }),
        6 => (index(), option::weighted(0.2, 0..4_u8), option::weighted(0.4, timing()), option::weighted(0.5, any::<bool>()), stale())
            .prop_map(|(schedule, name, timing, is_active, stale)| Step::EditSchedule { schedule, name, timing, is_active, stale }),
        2 => (index(), stale()).prop_map(|(schedule, stale)| Step::DeleteSchedule { schedule, stale }),
        4 => (0..3_u8, 0..3_u8, option::weighted(0.3, 0..3_u8), stale())
            .prop_map(|(name, days, union, stale)| Step::PutCalendar { name, days, union, stale }),
        1 => (0..3_u8).prop_map(|name| Step::DeleteCalendar { name }),
        4 => (index(), 0..3_u8, stale()).prop_map(|(schedule, name, old)| Step::PlanBy { schedule, name, old }),
        4 => index().prop_map(|workflow| Step::StartRun { workflow }),
        1 => Just(Step::CreateKey),
        1 => index().prop_map(|key| Step::RevokeKey { key }),
    ]
}

fn daemons() -> impl Strategy<Value = Step> {
    prop_oneof![
        7 => length().prop_map(|by| Step::Advance { by }),
        6 => (wait(), 1..5_usize, option::of(index()), twist())
            .prop_map(|(wait, limit, publisher, twist)| Step::Fire { wait, limit, publisher, twist }),
        1 => Just(Step::FireAgain),
        3 => (index(), 1..6_usize).prop_map(|(member, limit)| Step::Sweep { member, limit }),
        3 => (proptest::collection::vec(index(), 1..4), off()).prop_map(|(runs, seq)| Step::Mark { runs, seq }),
        2 => (index(), off(), length()).prop_map(|(run, seq, retry_in)| Step::GiveBack { run, seq, retry_in }),
        3 => (wait(), 1..4_usize, behind()).prop_map(|(wait, limit, behind)| Step::Reap { wait, limit, behind }),
        4 => (lifetime(), index(), any::<bool>(), any::<bool>())
            .prop_map(|(wait, member, is_draining, tells)| Step::Beat { wait, member, is_draining, tells }),
        2 => behind().prop_map(|behind| Step::Bury { behind }),
        1 => index().prop_map(|member| Step::Leave { member }),
        4 => (interval(), mostly(true, false), 1..6_usize, behind())
            .prop_map(|(wait, nothing_ready, limit, behind)| Step::Redrive { wait, nothing_ready, limit, behind }),
        1 => (proptest::collection::vec(any::<u8>(), 0..200), 1..4_usize)
            .prop_map(|(shards, limit)| Step::LookInShards { shards, limit }),
    ]
}

fn workers() -> impl Strategy<Value = Step> {
    let states = vec![RunState::Succeeded, RunState::Failed, RunState::Cancelled];
    prop_oneof![
        6 => (index(), index()).prop_map(|(run, token)| Step::Claim { run, token }),
        2 => (index(), off(), any::<bool>()).prop_map(|(run, epoch, says)| Step::Heartbeat { run, epoch, says }),
        3 => (index(), off(), 0..3_u8).prop_map(|(run, epoch, node)| Step::RecordNode { run, epoch, node }),
        2 => (index(), off(), select(states), any::<bool>())
            .prop_map(|(run, epoch, state, leaves)| Step::Finish { run, epoch, state, leaves }),
        2 => (index(), off()).prop_map(|(run, epoch)| Step::Release { run, epoch }),
        2 => index().prop_map(|run| Step::Cancel { run }),
    ]
}

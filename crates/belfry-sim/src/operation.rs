//! What a scenario is made of: plain data, so that it can be printed, replayed and made smaller.

use belfry_core::schedule::CatchUp;

use crate::faults::{Fault, Verb, Weather};

/// An operation, and how many milliseconds after the one before it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub after: u32,
    pub op: Op,
}

/// Whatever is named by a number is taken modulo what there is, so that a scenario stays one when a part is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    StartDaemon,
    StartWorker {
        queues: Queues,
        concurrency: u8,
    },
    /// As `kill -9`.
    Kill {
        process: u8,
    },
    /// As `SIGTERM`.
    Stop {
        process: u8,
    },
    /// As `SIGSTOP`, and `SIGCONT` so many milliseconds later.
    Freeze {
        process: u8,
        length: u32,
    },
    /// Nothing of the process reaches the store.
    CutOff {
        process: u8,
        length: u32,
    },
    /// The broker closes the process' connections for consuming.
    Disconnect {
        process: u8,
    },
    StoreDown {
        length: u32,
    },
    StoreSilent {
        length: u32,
    },
    BrokerDown {
        length: u32,
    },
    BrokerSilent {
        length: u32,
    },
    QueueHangs {
        queue: u8,
        length: u32,
    },
    /// Each ready message is lost, with so many chances in a hundred.
    LoseMessages {
        percent: u8,
    },
    /// Each ready message is there twice, with so many chances in a hundred.
    DoubleMessages {
        percent: u8,
    },
    /// Each ready message is kept from everybody for so long, with so many chances in a hundred: as by a consumer that holds
    /// it until it dies. By then its run may have been redriven, tried again, or have ended.
    HoldMessages {
        percent: u8,
        length: u32,
    },
    /// The store's clock is set.
    SetClock {
        by: i32,
    },
    Weather(Weather),
    /// The next calls of a process go so.
    Next {
        process: u8,
        verb: Verb,
        fault: Fault,
        times: u8,
    },
    CreateWorkflow {
        queue: u8,
        handoff: bool,
        work: Work,
        /// The schedule of its definition.
        trigger: Option<Timing>,
    },
    UpdateWorkflow {
        workflow: u8,
        queue: u8,
        work: Work,
        trigger: Option<Timing>,
    },
    DeleteWorkflow {
        workflow: u8,
    },
    CreateSchedule {
        workflow: u8,
        timing: Timing,
        is_active: bool,
    },
    /// Makes or replaces the schedule of the workflow that is named `default`.
    PutSchedule {
        workflow: u8,
        timing: Timing,
    },
    EditSchedule {
        schedule: u8,
        timing: Timing,
    },
    SetActive {
        schedule: u8,
        is_active: bool,
    },
    DeleteSchedule {
        schedule: u8,
    },
    /// Makes or changes one of [`CALENDARS`]: no day is a holiday, or each of the days around the beginning is.
    PutCalendar {
        calendar: u8,
        closes: bool,
    },
    RunNow {
        workflow: u8,
    },
    /// One of the youngest runs.
    Cancel {
        from_end: u8,
    },
    /// A program claims one of the youngest runs, of which it has no message, and gives it back.
    Claim {
        from_end: u8,
    },
    /// A program asks a queue for a run, and gives it back.
    Poll {
        queue: u8,
    },
    Nothing,
}

/// Which queues a worker consumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queues {
    /// All that there are, the one of the handoffs too.
    All,
    Tracked,
    One(u8),
}

/// The nodes of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Quick,
    /// Two that take no time, and a wait of so many seconds between them.
    Waits(u16),
    /// Three beside each other, one of which waits for so many seconds, and one that all of them lead to.
    Parallel(u16),
    /// The second of three fails, and so does the run.
    Fails,
    /// The second fails, and its failure leads to the third: the run succeeds.
    Handled,
    /// The second runs into its time limit and is tried again, three times in all; then as `Handled`.
    Retried,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    pub rhythm: Rhythm,
    /// Nothing fires on the holidays of one of [`CALENDARS`], if it stands.
    pub holidays: Option<u8>,
    /// Of [`ZONES`].
    pub zone: u8,
    pub catch_up: CatchUp,
    /// Seconds.
    pub window: u16,
    /// Nothing fires after so many seconds.
    pub ends_after: Option<u16>,
    /// Seconds by which it may be due after its nominal times.
    pub jitter: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// Seconds. Counted from the epoch, so that no schedule is at odds with another.
    Every(u16),
    /// Of [`CRONS`].
    Cron(u8),
    /// The union of both.
    Both(u16, u8),
    /// Once, in so many seconds.
    Once(u16),
}

/// Some that follow the clock, and some of fixed times, which a gap and a fold of local time treat by rules of their own.
pub const CRONS: [&str; 6] =
    ["*/5 * * * * *", "7,37 * * * * *", "0,20,40 0-59 0-23 * * *", "* * * * *", "5/15 * * * * MON-SUN", "30 0-59 0-23 * * *"];

/// The second builds on the first.
pub const CALENDARS: [&str; 2] = ["land", "plant"];

pub const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"];

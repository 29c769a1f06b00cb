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
    RunNow {
        workflow: u8,
    },
    /// One of the youngest runs.
    Cancel {
        from_end: u8,
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Seconds.
    pub every: u16,
    pub catch_up: CatchUp,
    /// Seconds.
    pub window: u16,
    /// Nothing fires after so many seconds.
    pub ends_after: Option<u16>,
}

//! Terms of the protocol that can be taken out, to see that a simulation misses them.

/// A term of a compare-and-set, taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// A fire does not compare the revision.
    FireRevision,
    /// A fire does not compare the cursor.
    FireNominal,
    /// A fire does not ask whether the schedule is active.
    FireActive,
    /// A fire does not ask whether the schedule is due at the decision's instant.
    FireDue,
    /// A fire does not ask whether the decision's instant has come.
    FireDecidedAt,
    /// A mark does not compare the state.
    MarkState,
    /// A mark does not compare `publish_seq`.
    MarkSeq,
    /// A giving back does not compare the state.
    GiveBackState,
    /// A giving back does not compare `publish_seq`.
    GiveBackSeq,
    /// A sweep takes runs that are not `pending`.
    SweepState,
    /// A sweep takes what is leased to another.
    SweepPublishAt,
    /// A sweep does not raise `publish_seq`.
    SweepSeq,
    /// A claim does not compare the state.
    ClaimState,
    /// A claim that comes again is answered whatever its token is.
    ClaimToken,
    /// A claim does not raise the epoch.
    ClaimEpoch,
    /// A claim does not ask for the delivery.
    ClaimDelivery,
    /// A claim does not ask whether the run is due.
    ClaimDue,
    /// What an edit records for a time that jitter has yet to bring is to be published at once.
    EditDue,
    /// What a worker writes is not compared with its epoch.
    WorkerEpoch,
    /// What a worker writes is not compared with the state.
    WorkerState,
    /// What is written of a node that has settled overwrites it.
    NodeSettled,
    /// The reaper takes runs whose claim has not run out.
    ReapClaimUntil,
    /// The reaper does not raise the epoch.
    ReapEpoch,
    /// The reaper goes by a clock that it does not believe.
    ReapBelieved,
    /// What enters `pending` again keeps its `publish_seq`.
    PendingSeq,
    /// What enters `pending` again does not ask for a cancel, nor for a deletion.
    PendingCancelled,
    /// A redrive takes runs whose interval has not passed.
    RedriveInterval,
    /// A redrive takes runs whose messages may be ready.
    RedriveReady,
    /// A redrive goes by a clock that it does not believe.
    RedriveBelieved,
    /// A bury takes members for dead that are alive.
    BuryDead,
    /// A bury goes by a clock that it does not believe.
    BuryBelieved,
    /// A member that is buried keeps what it holds unpublished.
    BuryHeld,
    /// A deletion leaves what has not started.
    DeleteRuns,
    /// A cancel of what has not started does not raise the epoch.
    CancelEpoch,
    /// A giving back of a run by its worker does not raise the epoch.
    ReleaseEpoch,
    /// A write of a schedule does not ask whether its calendars still stand as they were read.
    CalendarRevision,
}

impl Mutation {
    pub const ALL: &'static [Mutation] = &[
        Mutation::FireRevision,
        Mutation::FireNominal,
        Mutation::FireActive,
        Mutation::FireDue,
        Mutation::FireDecidedAt,
        Mutation::MarkState,
        Mutation::MarkSeq,
        Mutation::GiveBackState,
        Mutation::GiveBackSeq,
        Mutation::SweepState,
        Mutation::SweepPublishAt,
        Mutation::SweepSeq,
        Mutation::ClaimState,
        Mutation::ClaimToken,
        Mutation::ClaimEpoch,
        Mutation::ClaimDelivery,
        Mutation::ClaimDue,
        Mutation::EditDue,
        Mutation::WorkerEpoch,
        Mutation::WorkerState,
        Mutation::NodeSettled,
        Mutation::ReapClaimUntil,
        Mutation::ReapEpoch,
        Mutation::ReapBelieved,
        Mutation::PendingSeq,
        Mutation::PendingCancelled,
        Mutation::RedriveInterval,
        Mutation::RedriveReady,
        Mutation::RedriveBelieved,
        Mutation::BuryDead,
        Mutation::BuryBelieved,
        Mutation::BuryHeld,
        Mutation::DeleteRuns,
        Mutation::CancelEpoch,
        Mutation::ReleaseEpoch,
        Mutation::CalendarRevision,
    ];
}

//! What can go wrong at a port.

use crate::random::Random;

/// What a process asks of the store or the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Now,
    Beat,
    Bury,
    Leave,
    Look,
    Load,
    Fire,
    Pending,
    Sweep,
    Mark,
    GiveBack,
    OverdueQueues,
    Redrive,
    Backlog,
    Reap,
    Claim,
    Heartbeat,
    RecordNode,
    Finish,
    Release,
    Read,
    Cancel,
    Edit,
    Publish,
    HasReady,
    Connect,
    Receive,
    Settle,
}

impl Verb {
    /// Whether its answer, when lost, leaves a doubt.
    pub fn writes(self) -> bool {
        !matches!(self, Verb::Now | Verb::Look | Verb::Load | Verb::Pending | Verb::OverdueQueues | Verb::Backlog | Verb::Read)
    }
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing happened.
    Before,
    /// It happened, and its answer is lost.
    After,
    /// It arrives so many milliseconds late.
    Late(u32),
    /// Its answer arrives so many milliseconds late.
    LateAnswer(u32),
    /// A message is published twice. To other verbs: nothing.
    Twice,
    /// Messages are confirmed, and nobody gets them for so many milliseconds. To other verbs: nothing.
    Held(u32),
    /// Of a batch of messages the first half is kept, and the connection breaks. To other verbs: as `Before`.
    Half,
    /// A message is refused, or the data of a fire. To other verbs: as `Before`.
    Refused,
}

/// How likely faults are, in thousandths of the calls, and how long an ordinary way takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    pub before: u16,
    pub after: u16,
    pub late: u16,
    /// Of late calls: how late at most, in milliseconds.
    pub lateness: u32,
    pub messages: u16,
    /// Milliseconds.
    pub latency: u16,
}

impl Weather {
    pub const CALM: Weather = Weather { before: 0, after: 0, late: 0, lateness: 0, messages: 0, latency: 3 };

    pub fn fault(self, verb: Verb, random: &mut Random) -> Option<Fault> {
        if random.chance(self.before.into()) {
            return Some(Fault::Before);
        }
        if random.chance(self.after.into()) {
            return Some(Fault::After);
        }
        if random.chance(self.late.into()) {
            let by = random.below(self.lateness.into()) as u32;
            return Some(if random.chance(500) { Fault::Late(by) } else { Fault::LateAnswer(by) });
        }
        if verb == Verb::Publish && random.chance(self.messages.into()) {
            let by = random.below(2 * u64::from(self.lateness)) as u32;
            return Some(random.pick(&[Fault::Twice, Fault::Half, Fault::Refused, Fault::Held(by)]));
        }
        None
    }
}

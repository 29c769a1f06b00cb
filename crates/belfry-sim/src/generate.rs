//! A scenario from a seed.

use belfry_core::schedule::CatchUp;

use crate::faults::{Fault, Verb, Weather};
use crate::operation::{CALENDARS, CRONS, Op, Queues, Rhythm, Step, Timing, Work, ZONES};
use crate::random::Random;

/// What is simulated: whether things fail, and what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Of everything that no step says: latencies, identities, the weather's faults.
    pub seed: u64,
    pub kind: Kind,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Users write, processes come, and nothing fails: one message for each attempt, and nothing late.
    Calm,
    Stormy,
    /// Stormy, and the store's clock is set.
    Clocks,
    /// Daemons die, and nothing else fails: nobody waits for the leases of the dead. No seed is of this kind.
    Deaths,
}

impl Scenario {
    pub fn of(seed: u64) -> Scenario {
        let mut random = Random::of(&[seed, u64::MAX]);
        let kind = match seed % 8 {
            0 => Kind::Calm,
            1 | 2 => Kind::Clocks,
            _ => Kind::Stormy,
        };
        let mut steps = beginning(&mut random);
        let count = random.between(15, 50);
        for _ in 0..count {
            let after = random.pick(&[0, 1, 40, 300, 900, 2_000, 5_000, 9_000, 16_000]);
            let after = after + random.below(u64::from(after) + 1) as u32;
            steps.push(Step { after, op: operation(kind, &mut random) });
        }
        Scenario { seed, kind, steps }
    }
}

fn beginning(random: &mut Random) -> Vec<Step> {
    let mut ops: Vec<Op> = (0..random.between(1, 3)).map(|_| Op::StartDaemon).collect();
    ops.push(Op::StartWorker { queues: Queues::Tracked, concurrency: 4 });
    ops.extend((0..random.below(2)).map(|_| Op::StartWorker { queues: Queues::Tracked, concurrency: 1 }));
    ops.extend((0..random.below(3)).map(|number| Op::PutCalendar { calendar: number as u8, closes: false }));
    ops.extend((0..random.between(1, 3)).map(|_| create_workflow(random)));
    ops.extend((0..random.between(1, 4)).map(|_| create_schedule(random)));
    ops.into_iter().map(|op| Step { after: random.below(700) as u32, op }).collect()
}

fn create_workflow(random: &mut Random) -> Op {
    let trigger = random.chance(250).then(|| timing(random));
    Op::CreateWorkflow { queue: random.below(3) as u8, handoff: random.chance(200), work: work(random), trigger }
}

fn update_workflow(random: &mut Random) -> Op {
    let trigger = random.chance(400).then(|| timing(random));
    Op::UpdateWorkflow { workflow: number(random), queue: random.below(3) as u8, work: work(random), trigger }
}

fn create_schedule(random: &mut Random) -> Op {
    Op::CreateSchedule { workflow: number(random), timing: timing(random), is_active: random.chance(900) }
}

fn put_calendar(random: &mut Random) -> Op {
    Op::PutCalendar { calendar: random.below(CALENDARS.len() as u64) as u8, closes: random.chance(400) }
}

fn number(random: &mut Random) -> u8 {
    random.next() as u8
}

fn work(random: &mut Random) -> Work {
    let seconds = random.pick(&[1, 4, 20, 50, 100]);
    match random.below(100) {
        0..45 => Work::Quick,
        45..65 => Work::Waits(seconds),
        65..77 => Work::Parallel(seconds),
        77..84 => Work::Fails,
        84..91 => Work::Handled,
        _ => Work::Retried,
    }
}

fn timing(random: &mut Random) -> Timing {
    let every = random.pick(&[1, 2, 5, 7, 10, 30, 60]);
    let cron = random.below(CRONS.len() as u64) as u8;
    let rhythm = match random.below(100) {
        0..60 => Rhythm::Every(every),
        60..88 => Rhythm::Cron(cron),
        88..95 => Rhythm::Both(every, cron),
        _ => Rhythm::Once(random.between(1, 90) as u16),
    };
    Timing {
        rhythm,
        holidays: random.chance(350).then(|| random.below(CALENDARS.len() as u64) as u8),
        zone: random.below(ZONES.len() as u64) as u8,
        catch_up: random.pick(CatchUp::ALL),
        window: random.pick(&[30, 120]),
        ends_after: random.chance(100).then(|| random.between(5, 200) as u16),
        jitter: random.pick(&[0, 0, 0, 2, 20]),
    }
}

/// About the limits of the protocol, in milliseconds.
fn length(random: &mut Random) -> u32 {
    let length = random.pick(&[200, 1_500, 3_500, 6_000, 12_000, 16_000, 31_000, 50_000, 70_000]);
    length + random.below(1_000) as u32
}

fn operation(kind: Kind, random: &mut Random) -> Op {
    match (kind, random.below(100)) {
        (_, 0..40) | (Kind::Calm, _) => users(random),
        (_, 40..70) => processes(random),
        (_, 70..80) => weather(random),
        (Kind::Clocks, 90..100) => Op::SetClock { by: jump(random) },
        _ => surroundings(random),
    }
}

fn users(random: &mut Random) -> Op {
    match random.below(100) {
        0..12 => create_workflow(random),
        12..29 => create_schedule(random),
        29..34 => Op::PutSchedule { workflow: number(random), timing: timing(random) },
        34..42 => update_workflow(random),
        42..54 => Op::EditSchedule { schedule: number(random), timing: timing(random) },
        54..70 => Op::SetActive { schedule: number(random), is_active: random.chance(600) },
        70..75 => Op::DeleteSchedule { schedule: number(random) },
        75..78 => Op::DeleteWorkflow { workflow: number(random) },
        78..88 => Op::RunNow { workflow: number(random) },
        88..94 => Op::Cancel { from_end: random.below(6) as u8 },
        94..99 => put_calendar(random),
        _ => Op::Nothing,
    }
}

fn processes(random: &mut Random) -> Op {
    let process = number(random);
    match random.below(100) {
        0..14 => Op::StartDaemon,
        14..26 => Op::StartWorker {
            queues: random.pick(&[Queues::Tracked, Queues::Tracked, Queues::All, Queues::One(1)]),
            concurrency: random.pick(&[1, 2, 16]),
        },
        26..44 => Op::Kill { process },
        44..52 => Op::Stop { process },
        52..70 => Op::Freeze { process, length: length(random) },
        70..76 => Op::CutOff { process, length: length(random) },
        76..80 => Op::Disconnect { process },
        80..82 => Op::Claim { from_end: random.below(6) as u8 },
        82..84 => Op::Poll { queue: random.below(3) as u8 },
        _ => Op::Next { process, verb: random.pick(&VERBS), fault: fault(random), times: random.between(1, 4) as u8 },
    }
}

const VERBS: [Verb; 14] = [
    Verb::Fire,
    Verb::Fire,
    Verb::Sweep,
    Verb::Mark,
    Verb::Mark,
    Verb::GiveBack,
    Verb::Redrive,
    Verb::Reap,
    Verb::Claim,
    Verb::Heartbeat,
    Verb::RecordNode,
    Verb::Finish,
    Verb::Release,
    Verb::Publish,
];

fn fault(random: &mut Random) -> Fault {
    let held = Fault::Held(length(random) * 2);
    match random.below(8) {
        0 | 1 => Fault::Before,
        2 | 3 => Fault::After,
        4 | 5 => Fault::Late(length(random)),
        6 => Fault::LateAnswer(length(random)),
        _ => random.pick(&[Fault::Twice, Fault::Half, Fault::Refused, held]),
    }
}

fn weather(random: &mut Random) -> Op {
    let rate = |random: &mut Random| random.pick(&[0, 0, 10, 50, 200]);
    Op::Weather(Weather {
        before: rate(random),
        after: rate(random),
        late: random.pick(&[0, 0, 5, 30]),
        lateness: random.pick(&[500, 6_000, 20_000, 80_000]),
        messages: rate(random),
        latency: random.pick(&[1, 3, 20, 200]),
    })
}

fn surroundings(random: &mut Random) -> Op {
    let length = length(random);
    match random.below(100) {
        0..18 => Op::StoreDown { length },
        18..32 => Op::StoreSilent { length },
        32..48 => Op::BrokerDown { length },
        48..58 => Op::BrokerSilent { length },
        58..68 => Op::QueueHangs { queue: random.below(4) as u8, length },
        68..80 => Op::LoseMessages { percent: random.pick(&[20, 100]) },
        80..88 => Op::DoubleMessages { percent: random.pick(&[20, 100]) },
        _ => Op::HoldMessages { percent: random.pick(&[20, 100]), length: length * 2 },
    }
}

/// Milliseconds.
fn jump(random: &mut Random) -> i32 {
    let by = random.pick(&[50, 900, 2_500, 20_000, 70_000, 600_000, 3_600_000]);
    if random.chance(500) { by } else { -by }
}

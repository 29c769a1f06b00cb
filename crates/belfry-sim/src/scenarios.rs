//! Named histories: each was a bug once, or is the one in which a term of the protocol is missed.

use belfry_core::schedule::CatchUp;

use crate::faults::{Fault, Verb};
use crate::generate::{Kind, Scenario};
use crate::operation::{Op, Queues, Step, Timing, Work};

const EVERY_TWO: Timing = Timing { every: 2, catch_up: CatchUp::Last, window: 120, ends_after: None };
const EVERY_FIVE: Timing = Timing { every: 5, catch_up: CatchUp::Last, window: 120, ends_after: None };
const WORKER: Op = Op::StartWorker { queues: Queues::Tracked, concurrency: 4 };

fn scenario(kind: Kind, steps: &[(u32, Op)]) -> Scenario {
    let steps = steps.iter().map(|(after, op)| Step { after: *after, op: *op }).collect();
    Scenario { seed: 0, kind, steps }
}

fn workflow(work: Work) -> Op {
    Op::CreateWorkflow { queue: 0, handoff: false, work, trigger: None }
}

fn next(process: u8, verb: Verb, fault: Fault) -> Op {
    Op::Next { process, verb, fault, times: 1 }
}

/// By name.
pub fn named() -> Vec<(&'static str, Scenario)> {
    vec![
        ("a_daemon_that_begins_after_the_clock_was_set_takes_no_run_from_its_worker", begins_after_the_clock_was_set()),
        ("a_daemon_that_begins_as_the_clock_is_set_takes_no_run_from_its_worker", begins_as_the_clock_is_set()),
        ("an_edit_just_before_its_time_is_not_outrun", edit_just_before_its_time()),
        ("a_finish_that_comes_when_another_has_the_run_is_stale", late_finish()),
        ("a_node_that_comes_when_the_run_has_ended_is_stale", late_node()),
        ("a_mark_of_an_earlier_attempt_marks_nothing", late_mark()),
        ("what_has_not_started_ends_with_its_schedule_and_by_a_cancel", nobody_starts()),
        ("a_reaper_whose_question_was_under_way_when_the_clock_was_set_takes_nothing", set_on_the_way()),
        ("a_handoff_is_claimed_by_nobody", handoff_to_a_worker()),
        ("a_worker_that_stops_gives_back_what_waits", stopping_worker()),
        ("a_handoff_that_was_swept_is_not_marked_by_its_first_publisher", late_mark_of_a_handoff()),
    ]
}

/// It took every claim for lost: it had never seen the clock that they were made by.
pub fn begins_after_the_clock_was_set() -> Scenario {
    let schedule = Op::CreateSchedule { workflow: 0, timing: EVERY_TWO, is_active: true };
    let set = Op::SetClock { by: 600_000 };
    let steps = [(0, WORKER), (0, workflow(Work::Waits(50))), (0, Op::StartDaemon), (500, schedule), (9_000, set), (0, Op::StartDaemon)];
    scenario(Kind::Clocks, &steps)
}

pub fn begins_as_the_clock_is_set() -> Scenario {
    let schedule = Op::CreateSchedule { workflow: 0, timing: EVERY_FIVE, is_active: true };
    let set = Op::SetClock { by: 3_600_000 };
    let steps = [(0, Op::StartDaemon), (0, WORKER), (0, workflow(Work::Waits(4))), (0, schedule), (86_000, Op::StartDaemon), (0, set)];
    scenario(Kind::Clocks, &steps)
}

/// The first worker's finish is on its way for longer than its claim lasts; the second is at work when it arrives.
pub fn late_finish() -> Scenario {
    let slow = Op::Next { process: 2, verb: Verb::Finish, fault: Fault::Late(40_000), times: 9 };
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Quick)),
        (70_000, next(1, Verb::Finish, Fault::Late(85_000))),
        (0, Op::RunNow { workflow: 0 }),
        (3_000, Op::CutOff { process: 1, length: 70_000 }),
        (30_000, Op::Freeze { process: 1, length: 90_000 }),
        (30_000, WORKER),
        (0, slow),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The first writing of a node is given up for lost, the second ends the node and its run, and then the first arrives.
pub fn late_node() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Quick)),
        (0, next(1, Verb::RecordNode, Fault::Late(20_000))),
        (2_000, Op::RunNow { workflow: 0 }),
        (40_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The mark of the first attempt arrives while the second waits for the broker.
pub fn late_mark() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(20))),
        (70_000, next(0, Verb::Mark, Fault::Late(80_000))),
        (0, Op::RunNow { workflow: 0 }),
        (5_000, Op::Kill { process: 1 }),
        (50_000, Op::BrokerDown { length: 45_000 }),
        (0, WORKER),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The mark arrives when another has taken the run to publish it and has not begun to.
pub fn late_mark_of_a_handoff() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, Op::CreateWorkflow { queue: 0, handoff: true, work: Work::Quick, trigger: None }),
        (2_000, next(0, Verb::Mark, Fault::Late(7_000))),
        (0, Op::RunNow { workflow: 0 }),
        (2_000, Op::CutOff { process: 0, length: 4_500 }),
        (0, Op::StartDaemon),
        (0, Op::Next { process: 1, verb: Verb::Sweep, fault: Fault::LateAnswer(3_000), times: 8 }),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

pub fn nobody_starts() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (0, Op::CreateSchedule { workflow: 0, timing: EVERY_TWO, is_active: true }),
        (9_000, Op::Cancel { from_end: 0 }),
        (1_000, Op::DeleteSchedule { schedule: 0 }),
        (5_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// A worker that consumes all queues gets the messages of a handoff too, before and after they are marked.
pub fn handoff_to_a_worker() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, Op::StartWorker { queues: Queues::All, concurrency: 4 }),
        (0, Op::CreateWorkflow { queue: 0, handoff: true, work: Work::Quick, trigger: None }),
        (0, next(0, Verb::Mark, Fault::Late(5_000))),
        (2_000, Op::RunNow { workflow: 0 }),
        (10_000, Op::RunNow { workflow: 0 }),
        (10_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

pub fn stopping_worker() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(20))),
        (2_000, Op::RunNow { workflow: 0 }),
        (5_000, Op::Stop { process: 1 }),
        (5_000, WORKER),
        (30_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The daemon asked before the clock was set, and is answered after.
pub fn set_on_the_way() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(50))),
        (70_000, Op::RunNow { workflow: 0 }),
        (10_000, next(0, Verb::Reap, Fault::Late(7_500))),
        (6_000, Op::SetClock { by: 600_000 }),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Clocks, &steps)
}

/// The occurrence is one of both specs, so only the revision tells that what the daemon has in memory is old.
pub fn edit_just_before_its_time() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (1_000, Op::CreateSchedule { workflow: 0, timing: EVERY_TWO, is_active: true }),
        (8_900, Op::EditSchedule { schedule: 0, timing: EVERY_FIVE }),
        (10_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

//! Named histories: each was a bug once, or is the one in which a term of the protocol is missed.

use belfry_core::schedule::CatchUp;

use crate::faults::{Fault, Verb, Weather};
use crate::generate::{Kind, Scenario};
use crate::operation::{Op, Queues, Rhythm, Step, Timing, Work};

const EVERY_TWO: Timing = every(2);
const EVERY_FIVE: Timing = every(5);
const WORKER: Op = Op::StartWorker { queues: Queues::Tracked, concurrency: 4 };

const fn every(seconds: u16) -> Timing {
    let rhythm = Rhythm::Every(seconds);
    Timing { rhythm, holidays: None, zone: 0, catch_up: CatchUp::Last, window: 120, ends_after: None, jitter: 0 }
}

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
        ("a_node_that_comes_late_leaves_what_has_settled", late_node_of_a_live_run()),
        ("a_heartbeat_that_comes_when_the_run_has_ended_is_stale", late_heartbeat()),
        ("a_schedule_that_is_paused_just_before_its_time_does_not_fire", pause_just_before_its_time()),
        ("a_fire_that_comes_when_its_time_was_decided_changes_nothing", late_fire()),
        ("a_redrive_whose_question_was_under_way_when_the_clock_was_set_takes_nothing", redriven_by_a_clock_that_was_set()),
        ("a_redrive_whose_pass_was_under_way_when_the_clock_was_set_takes_nothing", redriven_by_a_pass_that_began_before()),
        ("a_burial_that_was_under_way_when_the_clock_was_set_takes_nobody", buried_by_a_clock_that_was_set(20_000)),
        ("a_burial_that_was_under_way_when_the_clock_went_back_takes_nobody", buried_by_a_clock_that_was_set(-70_000)),
        ("a_daemon_that_begins_as_the_clock_is_set_buries_nobody", begins_to_bury_as_the_clock_is_set()),
        ("a_clock_that_was_set_and_set_back_unseen_costs_no_worker_its_run", set_and_set_back()),
        ("an_edit_while_the_clock_is_behind_brings_up_nothing_that_was_missed", edit_behind_the_clock()),
        ("a_schedule_that_is_made_while_its_calendar_changes_follows_it", made_while_its_calendar_changes()),
        ("messages_that_nobody_consumes_are_not_published_again", nobody_consumes()),
        ("a_giving_back_that_comes_when_another_publishes_changes_nothing", late_give_back()),
        ("a_redrive_takes_what_has_waited_for_its_interval", redriven_too_early()),
        ("a_run_that_is_lost_when_a_cancel_was_asked_is_cancelled", cancelled_and_lost()),
        ("what_a_dead_daemon_held_is_published_when_it_is_buried", held_by_the_dead()),
        ("what_jitter_delays_is_neither_lost_nor_doubled_by_edits", edits_before_jittered_times()),
        ("nobody_gets_a_run_that_jitter_delays_before_it_is_due", claims_before_jittered_times()),
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
    let steps = [(0, Op::StartDaemon), (0, WORKER), (0, workflow(Work::Waits(4))), (50, schedule), (85_950, Op::StartDaemon), (0, set)];
    scenario(Kind::Clocks, &steps)
}

/// Every five seconds, due up to five seconds later, and edited every second: again and again between the two.
pub fn edits_before_jittered_times() -> Scenario {
    let schedule = Op::CreateSchedule { workflow: 0, timing: Timing { jitter: 5, ..EVERY_FIVE }, is_active: true };
    let mut steps = vec![(0, WORKER), (0, workflow(Work::Quick)), (0, Op::StartDaemon), (500, schedule)];
    for jitter in [20, 5].repeat(30) {
        steps.push((930, Op::EditSchedule { schedule: 0, timing: Timing { jitter, ..EVERY_FIVE } }));
    }
    scenario(Kind::Calm, &steps)
}

/// The same, and programs ask for the runs that are recorded ahead, with and without their ids.
pub fn claims_before_jittered_times() -> Scenario {
    let mut steps = edits_before_jittered_times().steps;
    for op in [Op::Poll { queue: 0 }, Op::Claim { from_end: 0 }].repeat(30) {
        steps.insert(steps.len() * 2 / 3, Step { after: 10, op });
    }
    Scenario { seed: 0, kind: Kind::Stormy, steps }
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

/// The first writing of the first node is given up for lost, and arrives when the node has ended and the run waits.
pub fn late_node_of_a_live_run() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(50))),
        (0, next(1, Verb::RecordNode, Fault::Late(20_000))),
        (2_000, Op::RunNow { workflow: 0 }),
        (70_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

pub fn late_heartbeat() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(20))),
        (0, next(1, Verb::Heartbeat, Fault::Late(9_000))),
        (2_000, Op::RunNow { workflow: 0 }),
        (40_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The daemon has the occurrence in memory, and decides it when its time has come.
pub fn pause_just_before_its_time() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (1_000, Op::CreateSchedule { workflow: 0, timing: EVERY_FIVE, is_active: true }),
        (8_900, Op::SetActive { schedule: 0, is_active: false }),
        (10_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// The fire is given up for lost and made again with all that is due by then; then it arrives.
pub fn late_fire() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (1_000, Op::CreateSchedule { workflow: 0, timing: EVERY_FIVE, is_active: true }),
        (7_000, next(0, Verb::Fire, Fault::Late(9_000))),
        (30_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// One message is overdue, so the queue is asked about; the other was published half its time ago. Neither is to be had.
pub fn redriven_by_a_clock_that_was_set() -> Scenario {
    let hold = Op::HoldMessages { percent: 100, length: 200_000 };
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (2_000, Op::RunNow { workflow: 0 }),
        (1_000, hold),
        (0, next(0, Verb::Redrive, Fault::Late(7_500))),
        (24_000, Op::RunNow { workflow: 0 }),
        (1_000, hold),
        (14_000, Op::SetClock { by: 600_000 }),
        (20_000, Op::Nothing),
    ];
    scenario(Kind::Clocks, &steps)
}

/// Its question which queues are overdue arrives when the clock was set; when it takes the runs back, it knows of that.
pub fn redriven_by_a_pass_that_began_before() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (2_000, Op::RunNow { workflow: 0 }),
        (1_000, Op::HoldMessages { percent: 100, length: 200_000 }),
        (0, next(0, Verb::OverdueQueues, Fault::Late(7_500))),
        (11_000, Op::SetClock { by: 600_000 }),
        (10_000, Op::Nothing),
    ];
    scenario(Kind::Clocks, &steps)
}

/// The queue hangs; the second daemon has taken the run and waits for it too when the giving back of the first one arrives.
pub fn late_give_back() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (10_000, Op::QueueHangs { queue: 0, length: 40_000 }),
        (0, next(0, Verb::GiveBack, Fault::Late(12_000))),
        (0, Op::RunNow { workflow: 0 }),
        (7_000, Op::StartDaemon),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// As [`redriven_by_a_clock_that_was_set`], and the clock is left alone.
pub fn redriven_too_early() -> Scenario {
    let hold = Op::HoldMessages { percent: 100, length: 200_000 };
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (2_000, Op::RunNow { workflow: 0 }),
        (1_000, hold),
        (24_000, Op::RunNow { workflow: 0 }),
        (1_000, hold),
        (30_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

pub fn cancelled_and_lost() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(100))),
        (5_000, Op::RunNow { workflow: 0 }),
        (3_000, Op::Cancel { from_end: 0 }),
        (500, Op::Kill { process: 1 }),
        (70_000, Op::Nothing),
    ];
    scenario(Kind::Stormy, &steps)
}

/// Between the reading of a calendar and the writing by it, ways are long, and the calendar changes again and again.
pub fn made_while_its_calendar_changes() -> Scenario {
    let timing = Timing { holidays: Some(0), ..EVERY_TWO };
    let make = (0, Op::CreateSchedule { workflow: 0, timing, is_active: true });
    let change = |closes| (120, Op::PutCalendar { calendar: 0, closes });
    let long_ways = Weather { latency: 200, ..Weather::CALM };
    let mut steps = vec![(0, Op::StartDaemon), (0, WORKER), change(false), (0, workflow(Work::Quick)), (1_000, Op::Weather(long_ways))];
    for closes in [true, false, true, false] {
        steps.extend([make, make, make, change(closes)]);
    }
    steps.push((20_000, Op::Nothing));
    scenario(Kind::Stormy, &steps)
}

/// Its own last beat would be the proof.
pub fn buried_by_a_clock_that_was_set(by: i32) -> Scenario {
    let steps =
        [(0, Op::StartDaemon), (10_000, next(0, Verb::Bury, Fault::Late(2_500))), (1_500, Op::SetClock { by }), (20_000, Op::Nothing)];
    scenario(Kind::Clocks, &steps)
}

/// It has never seen the clock that the other's beats were written by.
pub fn begins_to_bury_as_the_clock_is_set() -> Scenario {
    let steps = [(0, Op::StartDaemon), (10_500, Op::SetClock { by: 20_000 }), (0, Op::StartDaemon), (20_000, Op::Nothing)];
    scenario(Kind::Clocks, &steps)
}

/// The first daemon is cut off, and when it is back the clock is as it should be; but a claim was made by another one.
pub fn set_and_set_back() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, Op::StartDaemon),
        (0, WORKER),
        (0, workflow(Work::Waits(50))),
        (70_000, Op::CutOff { process: 0, length: 20_000 }),
        (3_000, Op::SetClock { by: -600_000 }),
        (1_000, Op::RunNow { workflow: 0 }),
        (6_000, Op::SetClock { by: 600_000 }),
        (60_000, Op::Nothing),
    ];
    scenario(Kind::Clocks, &steps)
}

/// What was missed has no run that would tell of it.
pub fn edit_behind_the_clock() -> Scenario {
    let missed = Timing { catch_up: CatchUp::None, ..every(10) };
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (50, Op::CreateSchedule { workflow: 0, timing: missed, is_active: true }),
        (4_000, Op::SetClock { by: 600_000 }),
        (6_000, Op::SetClock { by: -600_000 }),
        (6_000, Op::EditSchedule { schedule: 0, timing: EVERY_FIVE }),
        (30_000, Op::Nothing),
    ];
    scenario(Kind::Clocks, &steps)
}

pub fn nobody_consumes() -> Scenario {
    let steps =
        [(0, Op::StartDaemon), (0, workflow(Work::Quick)), (2_000, Op::RunNow { workflow: 0 }), (70_000, WORKER), (10_000, Op::Nothing)];
    scenario(Kind::Calm, &steps)
}

/// It has recorded a run, and its message is on the way, when it dies.
pub fn held_by_the_dead() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (50, Op::CreateSchedule { workflow: 0, timing: EVERY_FIVE, is_active: true }),
        (8_000, next(0, Verb::Publish, Fault::Late(5_000))),
        (2_500, Op::Kill { process: 0 }),
        (0, Op::StartDaemon),
        (20_000, Op::Nothing),
    ];
    scenario(Kind::Deaths, &steps)
}

pub fn nobody_starts() -> Scenario {
    let steps = [
        (0, Op::StartDaemon),
        (0, workflow(Work::Quick)),
        (50, Op::CreateSchedule { workflow: 0, timing: EVERY_TWO, is_active: true }),
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

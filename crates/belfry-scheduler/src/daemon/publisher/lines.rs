//! Who publishes next: queues take turns, and one that does not confirm gets out of the others' way.
//!
//! A queue of which a batch failed is left alone for a pause, which doubles with each failure in a row; what comes for it
//! meanwhile is given back for that long, and no more of it is to be taken. After the pause one batch tries, alone. One success
//! ends all that.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;

use belfry_core::ids::MemberId;
use belfry_core::ports::{Boot, PendingRun};
use belfry_core::workflow::QueueName;

/// How many batches are on their way at once.
pub const LANES: usize = 4;
/// How many of them may be one queue's: a queue that hangs must leave a lane to the others.
const LANES_OF_ONE: usize = LANES - 1;
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Runs of one queue, taken by `member`; nothing of it may be on its way after `until`.
#[derive(Debug)]
pub struct Batch {
    pub queue: QueueName,
    pub runs: Vec<PendingRun>,
    pub member: MemberId,
    pub until: Boot,
}

/// What a lane is to do.
#[derive(Debug)]
pub enum Work {
    Publish(Batch),
    /// Its queue is in trouble: leave it alone for so long.
    GiveBack {
        batch: Batch,
        pause: SignedDuration,
        reason: String,
    },
}

#[derive(Default)]
pub struct Lines {
    lines: BTreeMap<QueueName, Line>,
    /// Whose turn it was last.
    last: Option<QueueName>,
    is_closed: bool,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Batch>,
    on_their_way: usize,
    trouble: Option<Trouble>,
}

struct Trouble {
    /// Batches that failed since the last success.
    failures: u32,
    until: Boot,
    reason: String,
}

impl Lines {
    pub fn push(&mut self, batch: Batch) {
        self.lines.entry(batch.queue.clone()).or_default().waiting.push_back(batch);
    }

    /// The next piece of work at `boot`, the queues taking turns; it is to be [`Lines::ended`].
    pub fn next(&mut self, boot: Boot) -> Option<Work> {
        let after = self.last.clone();
        let later = self.lines.iter_mut().filter(|(queue, _)| after.as_ref().is_none_or(|last| *queue > last));
        let found = later.into_iter().find_map(|(queue, line)| Some((queue.clone(), line.next(boot)?)));
        let found = match (found, &after) {
            (None, Some(_)) => self.lines.iter_mut().find_map(|(queue, line)| Some((queue.clone(), line.next(boot)?))),
            (found, _) => found,
        };
        let (queue, work) = found?;
        self.last = Some(queue);
        Some(work)
    }

    /// A batch of `queue` is no longer on its way.
    pub fn ended(&mut self, queue: &QueueName) {
        if let Some(line) = self.lines.get_mut(queue) {
            line.on_their_way = line.on_their_way.saturating_sub(1);
            if line.on_their_way == 0 && line.waiting.is_empty() && line.trouble.is_none() {
                self.lines.remove(queue);
            }
        }
    }

    /// The queue answered.
    pub fn succeeded(&mut self, queue: &QueueName) {
        if let Some(line) = self.lines.get_mut(queue) {
            line.trouble = None;
        }
    }

    /// The queue did not; answers for how long it is left alone.
    pub fn failed(&mut self, queue: &QueueName, reason: String, boot: Boot) -> SignedDuration {
        let line = self.lines.entry(queue.clone()).or_default();
        // Batches that were on their way together are one failure, not three.
        let failures = match &line.trouble {
            Some(trouble) if trouble.until > boot => trouble.failures,
            Some(trouble) => trouble.failures + 1,
            None => 1,
        };
        let pause = back_off(failures - 1);
        line.trouble = Some(Trouble { failures, until: boot.plus(pause), reason });
        pause
    }

    /// The queues that are left alone at `boot`, or that one batch tries.
    pub fn in_trouble(&self, boot: Boot) -> Vec<QueueName> {
        let is_left_alone = |line: &Line| line.trouble.as_ref().is_some_and(|trouble| trouble.until > boot || line.on_their_way > 0);
        self.lines.iter().filter(|(_, line)| is_left_alone(line)).map(|(queue, _)| queue.clone()).collect()
    }

    /// What waits now is the last.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether there is nothing to do any more.
    pub fn is_done(&self) -> bool {
        self.is_closed && self.lines.values().all(|line| line.waiting.is_empty())
    }
}

/// A second, doubled for each failure before, up to a minute: of a queue, and of a run that it refuses.
pub fn back_off(failures_before: u32) -> SignedDuration {
    SignedDuration::from_secs(1 << failures_before.min(6)).min(LONGEST_PAUSE)
}

impl Line {
    fn next(&mut self, boot: Boot) -> Option<Work> {
        let work = match &self.trouble {
            Some(trouble) if trouble.until > boot => Self::give_back(&mut self.waiting, trouble, trouble.until.since(boot))?,
            Some(_) if self.on_their_way == 0 => Work::Publish(self.waiting.pop_front()?),
            // One tries; the others do not wait for it, for they hold places that other queues need.
            Some(trouble) => Self::give_back(&mut self.waiting, trouble, SignedDuration::from_secs(1))?,
            None if self.on_their_way < LANES_OF_ONE => Work::Publish(self.waiting.pop_front()?),
            None => return None,
        };
        self.on_their_way += 1;
        Some(work)
    }

    fn give_back(waiting: &mut VecDeque<Batch>, trouble: &Trouble, pause: SignedDuration) -> Option<Work> {
        let batch = waiting.pop_front()?;
        Some(Work::GiveBack { batch, pause, reason: trouble.reason.clone() })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn batch(queue: &str) -> Batch {
        Batch { queue: name(queue), runs: Vec::new(), member: MemberId(Uuid::nil()), until: Boot(i64::MAX) }
    }

    fn name(queue: &str) -> QueueName {
        QueueName::parse(queue).unwrap()
    }

    fn lines(queues: &[&str]) -> Lines {
        let mut lines = Lines::default();
        queues.iter().for_each(|queue| lines.push(batch(queue)));
        lines
    }

    /// `publish a`, `give back a for 1s`, or nothing.
    fn next(lines: &mut Lines, boot: i64) -> String {
        match lines.next(Boot(boot)) {
            None => "nothing".to_owned(),
            Some(Work::Publish(batch)) => format!("publish {}", batch.queue),
            Some(Work::GiveBack { batch, pause, .. }) => format!("give back {} for {pause:#}", batch.queue),
        }
    }

    #[test]
    fn queues_take_turns() {
        let mut lines = lines(&["a", "a", "a", "b", "c"]);
        let turns: Vec<String> = (0..6).map(|_| next(&mut lines, 0)).collect();
        assert_eq!(turns, ["publish a", "publish b", "publish c", "publish a", "publish a", "nothing"]);
    }

    #[test]
    fn a_queue_leaves_a_lane_to_the_others() {
        let mut lines = lines(&["a", "a", "a", "a", "a"]);
        (0..LANES_OF_ONE).for_each(|_| assert_eq!(next(&mut lines, 0), "publish a"));
        assert_eq!(next(&mut lines, 0), "nothing");
        lines.push(batch("b"));
        assert_eq!(next(&mut lines, 0), "publish b");
        lines.ended(&name("a"));
        assert_eq!(next(&mut lines, 0), "publish a");
    }

    #[test]
    fn a_queue_that_failed_is_left_alone_and_then_tried_by_one() {
        let mut lines = lines(&["a", "a", "a"]);
        assert_eq!([next(&mut lines, 0), next(&mut lines, 0)], ["publish a", "publish a"]);
        for _ in 0..2 {
            // Two that were on their way together are one failure.
            assert_eq!(lines.failed(&name("a"), "silent".to_owned(), Boot(5_000)), SignedDuration::from_secs(1));
            lines.ended(&name("a"));
        }
        assert_eq!(next(&mut lines, 5_400), "give back a for 600ms");
        lines.ended(&name("a"));
        lines.push(batch("a"));
        lines.push(batch("a"));
        assert_eq!([next(&mut lines, 6_000), next(&mut lines, 6_000)], ["publish a", "give back a for 1s"]);
        assert_eq!(lines.failed(&name("a"), "silent".to_owned(), Boot(7_000)), SignedDuration::from_secs(2));
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_a_success_ends_it() {
        let mut lines = lines(&["a"]);
        let mut boot = 0;
        let pauses: Vec<i64> = (0..8)
            .map(|_| {
                let pause = lines.failed(&name("a"), "silent".to_owned(), Boot(boot));
                boot += i64::try_from(pause.as_millis()).unwrap();
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        lines.succeeded(&name("a"));
        assert_eq!(lines.failed(&name("a"), "silent".to_owned(), Boot(boot)), SignedDuration::from_secs(1));
    }

    #[test]
    fn a_queue_is_in_trouble_until_a_batch_of_it_may_try_again() {
        let mut lines = lines(&["a", "b"]);
        lines.failed(&name("a"), "silent".to_owned(), Boot(0));
        assert_eq!(lines.in_trouble(Boot(999)), [name("a")]);
        assert_eq!(lines.in_trouble(Boot(1_000)), []);
        assert_eq!(next(&mut lines, 1_000), "publish a");
        assert_eq!(lines.in_trouble(Boot(1_000)), [name("a")]);
    }

    #[test]
    fn it_is_done_when_it_was_closed_and_nothing_waits() {
        let mut lines = lines(&["a"]);
        assert!(!lines.is_done());
        lines.close();
        assert!(!lines.is_done());
        assert_eq!(next(&mut lines, 0), "publish a");
        assert!(lines.is_done());
    }
}

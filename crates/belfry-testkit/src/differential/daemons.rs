//! What daemons do by the clock: they live, die, and take back what others left.

use belfry_core::ids::MemberId;
use belfry_core::ports::{Member, Redrive, WallClock};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;

use super::pair::{Outcomes, Pair, both, pick, same};
use super::steps::Step;

impl Pair<'_> {
    pub(super) async fn take_daemons(&self, step: &Step) -> Outcomes {
        match step {
            Step::Reap { wait, limit, behind } => {
                self.backend.advance(*wait).await;
                let believed = self.believed(*behind);
                let _ = both!(self, schedules.reap(believed, *limit));
            }
            Step::Beat { wait, member, is_draining, tells } => {
                self.backend.advance(*wait).await;
                let Some(id) = pick(member, &self.members) else { return Ok(()) };
                let member = self.member(id, *is_draining, *tells);
                let _ = both!(self, schedules.beat(member));
            }
            Step::Bury { behind } => {
                let believed = self.believed(*behind);
                let _ = both!(self, schedules.bury(believed));
            }
            Step::Leave { member } => {
                if let Some(id) = pick(member, &self.members) {
                    let _ = both!(self, schedules.leave(id));
                }
            }
            Step::Redrive { wait, nothing_ready, limit, behind } => {
                self.backend.advance(*wait).await;
                self.redrive(*nothing_ready, *limit, self.believed(*behind)).await?;
            }
            Step::LookInShards { shards, limit } => {
                let mut wanted = Shards::NONE;
                shards.iter().for_each(|shard| wanted.insert(*shard));
                let due_by = self.clock.now().plus(SignedDuration::from_hours(1));
                let _ = both!(self, schedules.look(wanted, due_by, None, *limit));
            }
            _ => {}
        }
        Ok(())
    }

    fn believed(&self, behind: SignedDuration) -> UnixMillis {
        self.clock.now().minus(behind)
    }

    fn member(&self, id: MemberId, is_draining: bool, tells: bool) -> Member {
        let now = self.clock.now();
        Member {
            id,
            is_draining,
            behind_since: tells.then(|| now.minus(SignedDuration::from_secs(7))),
            progressed_at: tells.then_some(now),
        }
    }

    /// As a daemon does: of the queues that have something overdue.
    async fn redrive(&self, nothing_ready: bool, limit: usize, believed: UnixMillis) -> Outcomes {
        for queue in both!(self, schedules.overdue_queues()).unwrap() {
            let redrive = Redrive { queue, nothing_ready, believed, limit };
            let _ = both!(self, schedules.redrive(redrive.clone()));
        }
        Ok(())
    }
}

//! The daemons that live. They are kept in memory: one process owns the file, so none of them outlives it, and a server that
//! has nothing to do writes nothing. What they hold unpublished is in the file, and is freed there.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use belfry_core::ids::MemberId;
use belfry_core::ports::{MEMBER_DEAD_AFTER, Member};
use belfry_core::time::UnixMillis;

use crate::failed::Attempt;
use crate::writer::Tx;

#[derive(Default)]
pub struct Members {
    /// With the instant of the last beat.
    beaten: Mutex<BTreeMap<MemberId, (Member, UnixMillis)>>,
}

impl Members {
    /// Whether the beat began the membership, and who lives.
    pub fn beat(&self, member: Member, now: UnixMillis) -> (bool, Vec<Member>) {
        let mut beaten = self.beaten();
        let before = beaten.insert(member.id, (member, now));
        let joined = before.is_none_or(|(_, beaten_at)| is_dead(beaten_at, now));
        let living = beaten.values().filter(|(_, beaten_at)| !is_dead(*beaten_at, now));
        (joined, living.map(|(member, _)| *member).collect())
    }

    /// Who is dead, and when each was last heard of.
    pub fn dead(&self, now: UnixMillis) -> Vec<(MemberId, UnixMillis)> {
        let beaten = self.beaten();
        let dead = beaten.values().filter(|(_, beaten_at)| is_dead(*beaten_at, now));
        dead.map(|(member, beaten_at)| (member.id, *beaten_at)).collect()
    }

    /// Removes those of `dead` that were not heard of since; answers how many.
    pub fn bury(&self, dead: &[(MemberId, UnixMillis)]) -> usize {
        let mut beaten = self.beaten();
        let before = beaten.len();
        for (member, heard_at) in dead {
            if beaten.get(member).is_some_and(|(_, beaten_at)| beaten_at == heard_at) {
                beaten.remove(member);
            }
        }
        before - beaten.len()
    }

    pub fn remove(&self, member: MemberId) {
        self.beaten().remove(&member);
    }

    fn beaten(&self) -> MutexGuard<'_, BTreeMap<MemberId, (Member, UnixMillis)>> {
        self.beaten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the past or in the future: a clock that went back must not keep the dead alive.
fn is_dead(beaten_at: UnixMillis, now: UnixMillis) -> bool {
    now.since(beaten_at).abs() > MEMBER_DEAD_AFTER
}

/// What `member` holds unpublished is for the sweep at once.
pub fn free(tx: &Tx<'_>, member: MemberId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET publish_at = ?2
         WHERE state = 'pending'
           AND publisher = ?1
           AND publish_at > ?2",
    )?
    .execute(params![member.0, tx.now.get()])?;
    Ok(())
}

/// The same for everybody: whoever held a run when the file was last closed died with its process. Answers how many were held.
pub fn free_all(connection: &Connection, now: UnixMillis) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE workflow_runs
         SET publish_at = ?1
         WHERE state = 'pending'
           AND publisher IS NOT NULL
           AND publish_at > ?1",
        [now.get()],
    )
}

//! How daemons share the schedules: by shards, of which each is one living member's. A hint that saves statements; what
//! makes a fire safe is its compare-and-set.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::ids::{MemberId, ScheduleId};

/// A set of the 256 shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards([u64; 4]);

impl Shards {
    pub const NONE: Shards = Shards([0; 4]);
    pub const ALL: Shards = Shards([u64::MAX; 4]);

    /// Those of each of `sharing`, by rendezvous hashing: whoever comes or goes takes or leaves its own shards only, and the
    /// others keep theirs. All hashes at once: to be kept until somebody comes or goes.
    pub fn shared(sharing: &[MemberId]) -> BTreeMap<MemberId, Shards> {
        let mut shared: BTreeMap<MemberId, Shards> = sharing.iter().map(|member| (*member, Shards::NONE)).collect();
        for shard in 0..=u8::MAX {
            if let Some(shards) = owner(shard, sharing).and_then(|owner| shared.get_mut(&owner)) {
                shards.insert(shard);
            }
        }
        shared
    }

    pub fn contains(&self, shard: u8) -> bool {
        self.0[usize::from(shard / 64)] & (1 << (shard % 64)) != 0
    }

    pub fn has(&self, schedule: ScheduleId) -> bool {
        self.contains(schedule.shard())
    }

    pub fn insert(&mut self, shard: u8) {
        self.0[usize::from(shard / 64)] |= 1 << (shard % 64);
    }

    /// Those of both.
    #[must_use]
    pub fn union(self, other: Shards) -> Shards {
        Shards(std::array::from_fn(|part| self.0[part] | other.0[part]))
    }

    pub fn iter(&self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(|shard| self.contains(*shard))
    }

    pub fn len(&self) -> usize {
        self.iter().count()
    }

    pub fn is_empty(&self) -> bool {
        *self == Shards::NONE
    }
}

/// Whose `shard` is: the one of `sharing` with the highest hash of both.
pub fn owner(shard: u8, sharing: &[MemberId]) -> Option<MemberId> {
    sharing.iter().copied().max_by_key(|member| (weight(*member, shard), *member))
}

fn weight(member: MemberId, shard: u8) -> [u8; 8] {
    let digest = Sha256::new().chain_update(member.0.as_bytes()).chain_update([shard]).finalize();
    let mut weight = [0; 8];
    weight.copy_from_slice(&digest[..8]);
    weight
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn members(count: u128) -> Vec<MemberId> {
        (1..=count).map(|number| MemberId(Uuid::from_u128(number))).collect()
    }

    #[test]
    fn each_shard_is_one_members() {
        let members = members(5);
        let owned: Vec<Shards> = Shards::shared(&members).into_values().collect();
        for shard in 0..=u8::MAX {
            assert_eq!(owned.iter().filter(|shards| shards.contains(shard)).count(), 1, "shard {shard}");
        }
        // 51 each, were it even; five standard deviations.
        assert!(owned.iter().all(|shards| (20..=83).contains(&shards.len())), "{:?}", owned.iter().map(Shards::len).collect::<Vec<_>>());
    }

    #[test]
    fn who_goes_leaves_only_its_own() {
        let (all, fewer) = (members(4), members(3));
        let before = Shards::shared(&all);
        for (member, after) in Shards::shared(&fewer) {
            assert!(before[&member].iter().all(|shard| after.contains(shard)));
        }
    }

    #[test]
    fn a_member_alone_has_all_and_a_stranger_none() {
        let members = members(2);
        let shared = Shards::shared(&members[..1]);
        assert_eq!(shared, BTreeMap::from([(members[0], Shards::ALL)]));
    }
}

//! The near future in memory: keys of schedules that are due within the look-ahead. A hint only: every fire is compared.

use std::collections::{BTreeMap, HashMap};

use belfry_core::ids::ScheduleId;
use belfry_core::ports::DueKey;
use belfry_core::time::UnixMillis;

/// Keys in due order, each schedule once, at most `cap` of them: the nearest.
pub struct Near {
    by_due: BTreeMap<(UnixMillis, ScheduleId), DueKey>,
    due_of: HashMap<ScheduleId, UnixMillis>,
    cap: usize,
}

impl Near {
    pub fn new(cap: usize) -> Near {
        Near { by_due: BTreeMap::new(), due_of: HashMap::new(), cap }
    }

    pub fn len(&self) -> usize {
        self.by_due.len()
    }

    /// Puts `key` in the place of what is known of its schedule.
    pub fn insert(&mut self, key: DueKey) {
        self.remove(key.id);
        self.by_due.insert(key.order(), key);
        self.due_of.insert(key.id, key.due);
        if self.by_due.len() > self.cap
            && let Some((_, farthest)) = self.by_due.pop_last()
        {
            self.due_of.remove(&farthest.id);
        }
    }

    pub fn remove(&mut self, id: ScheduleId) {
        if let Some(due) = self.due_of.remove(&id) {
            self.by_due.remove(&(due, id));
        }
    }

    /// Keeps the schedules that `wanted` says.
    pub fn retain(&mut self, wanted: impl Fn(ScheduleId) -> bool) {
        self.by_due.retain(|(_, id), _| wanted(*id));
        self.due_of.retain(|id, _| wanted(*id));
    }

    /// The keys due by `due_by`, nearest first, at most `limit`; they stay.
    pub fn due(&self, due_by: UnixMillis, limit: usize) -> Vec<DueKey> {
        self.by_due.values().take_while(|key| key.due <= due_by).take(limit).copied().collect()
    }

    /// [`Near::due`], and they leave.
    pub fn take_due(&mut self, due_by: UnixMillis, limit: usize) -> Vec<DueKey> {
        let due = self.due(due_by, limit);
        due.iter().for_each(|key| self.remove(key.id));
        due
    }

    pub fn next_due(&self) -> Option<UnixMillis> {
        self.by_due.keys().next().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u128, due: i64) -> DueKey {
        let due = UnixMillis::saturating(due);
        DueKey { id: ScheduleId(uuid::Uuid::from_u128(id)), revision: 1, nominal: due, due }
    }

    #[test]
    fn a_schedule_is_there_once_where_it_was_last_seen() {
        let mut near = Near::new(10);
        near.insert(key(1, 500));
        near.insert(key(1, 300));
        assert_eq!((near.len(), near.next_due()), (1, Some(UnixMillis::saturating(300))));
    }

    #[test]
    fn past_its_cap_it_keeps_the_nearest() {
        let mut near = Near::new(2);
        for (id, due) in [(1, 500), (2, 300), (3, 400)] {
            near.insert(key(id, due));
        }
        assert_eq!(near.due(UnixMillis::saturating(1_000), 10), vec![key(2, 300), key(3, 400)]);
    }
}

//! Jitter: an occurrence is due somewhat after its nominal time, so that what many planned for one instant does not come at
//! once. By how much is decided by the occurrence alone: every node, and every restart, comes to the same.

use jiff::SignedDuration;

use crate::ids::ScheduleId;
use crate::schedule::{Cursor, ScheduleContent, ScheduledWorkflow};
use crate::spec::SpecError;
use crate::time::UnixMillis;

/// The longest jitter: a day.
pub const LONGEST_JITTER: SignedDuration = SignedDuration::from_hours(24);

impl ScheduleContent {
    /// When the occurrence `nominal` of `schedule` is due: by [`ScheduleId::number`] modulo its jitter after it, and before the
    /// occurrence that follows. So what is due, and what is not yet, never lie mixed.
    pub fn due_of(&self, schedule: ScheduleId, nominal: UnixMillis) -> Result<UnixMillis, SpecError> {
        let jitter = self.jitter.min(LONGEST_JITTER).as_millis();
        if jitter <= 0 {
            return Ok(nominal);
        }
        let distance = self.next_after(nominal)?.map(|next| next.since(nominal).as_millis());
        let span = u64::try_from(distance.map_or(jitter, |distance| jitter.min(distance))).unwrap_or(1).max(1);
        let late = i64::try_from(schedule.number(nominal) % span).unwrap_or(0);
        Ok(UnixMillis::saturating(nominal.get() + late))
    }

    /// Before the occurrence `next` of `schedule`.
    pub fn cursor_at(&self, schedule: ScheduleId, next: Option<UnixMillis>) -> Result<Cursor, SpecError> {
        let due = next.map(|nominal| self.due_of(schedule, nominal)).transpose()?;
        Ok(Cursor { nominal: next, due })
    }
}

impl ScheduledWorkflow {
    /// When its occurrence `nominal`, not before its cursor, is due. The cursor's own is due when it was planned to be: zone
    /// data that changed since may put the occurrence that follows elsewhere.
    pub fn due_of(&self, nominal: UnixMillis) -> Result<UnixMillis, SpecError> {
        match self.cursor.due.filter(|_| self.cursor.nominal == Some(nominal)) {
            Some(due) => Ok(due),
            None => self.content.due_of(self.id, nominal),
        }
    }

    /// The first occurrence, from the cursor on, that is not due at `now`.
    pub fn first_open(&self, now: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        match self.cursor.nominal {
            Some(cursor) if cursor <= now => match self.content.latest_in(cursor, now)? {
                Some(begun) if self.due_of(begun)? > now => Ok(Some(begun)),
                _ => self.content.next_after(now),
            },
            cursor => Ok(cursor),
        }
    }
}

#[cfg(test)]
#[path = "jitter/tests.rs"]
mod tests;

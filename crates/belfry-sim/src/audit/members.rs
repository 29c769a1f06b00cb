//! Who is taken for dead.

use belfry_core::ids::MemberId;
use belfry_core::ports::MEMBER_DEAD_AFTER;

use super::Audit;
use crate::process::Process;

impl Audit {
    /// The store hears of a member.
    pub fn beaten(&mut self, member: MemberId) {
        self.beats.insert(member, self.time.millis());
    }

    /// Of the members that stood `before`, those that `by` has buried were silent for long enough, in real time.
    pub fn buried(&mut self, by: &Process, before: &[MemberId]) {
        let stand = self.store.members();
        for member in before.iter().filter(|member| !stand.contains(member)) {
            let beaten = self.beats.get(member).copied().unwrap_or(0);
            if self.is_early(beaten, MEMBER_DEAD_AFTER) {
                let silent = self.time.millis() - beaten;
                self.violated("members", format!("{} buried {member}, which had been silent for {silent} ms", by.name));
            }
        }
    }
}

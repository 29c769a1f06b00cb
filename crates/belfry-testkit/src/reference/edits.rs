//! What a user's write does to a schedule: account for what is due under the old revision, then change.

use belfry_core::edit::{Accounted, After, account, first};
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{Conflict, StoreResult};
use belfry_core::schedule::{Cursor, Origin, ScheduleContent, ScheduledWorkflow};
use belfry_core::time::UnixMillis;

use super::{Mutation, Revision, ScheduleRow, Tables, taken};

/// A checked write, yet to be made.
pub(super) struct Rewrite {
    id: ScheduleId,
    becomes: Becomes,
    accounted: Accounted,
}

#[expect(clippy::large_enum_variant, reason = "made once for each schedule of a write")]
pub(super) enum Becomes {
    Living { name: String, content: ScheduleContent, is_active: bool },
    Deleted,
}

impl Becomes {
    /// Nothing of it changes but its revision: its workflow was written.
    pub(super) fn same(schedule: &ScheduledWorkflow) -> Becomes {
        Becomes::Living { name: schedule.name.clone(), content: schedule.content.clone(), is_active: schedule.is_active }
    }
}

impl Rewrite {
    pub(super) fn check(current: &ScheduledWorkflow, becomes: Becomes, now: UnixMillis) -> Result<Rewrite, Conflict> {
        let after = match &becomes {
            Becomes::Living { content, is_active: true, .. } => After::Active(content),
            Becomes::Living { content, is_active: false, .. } => After::Paused(content),
            Becomes::Deleted => After::Deleted,
        };
        let accounted = account(current, after, now)?;
        Ok(Rewrite { id: current.id, becomes, accounted })
    }
}

/// A checked new schedule, yet to be inserted.
pub(super) struct Creation {
    schedule: ScheduledWorkflow,
}

pub(super) struct Begins {
    pub id: ScheduleId,
    pub workflow_id: WorkflowId,
    pub name: String,
    pub origin: Origin,
    pub content: ScheduleContent,
    pub is_active: bool,
}

impl Tables {
    pub(super) fn check_creation(&self, begins: Begins, now: UnixMillis) -> StoreResult<Creation> {
        if self.schedules.contains_key(&begins.id) {
            return Err(taken(begins.id));
        }
        let cursor = first(&begins.content, now)?;
        let Begins { id, workflow_id, name, origin, content, is_active } = begins;
        let schedule = ScheduledWorkflow {
            id,
            workflow_id,
            name,
            origin,
            is_active,
            revision: 1,
            cursor,
            content,
            last_run_at: None,
            run_count: 0,
            failure_count: 0,
            last_error: None,
            created_at: now,
            updated_at: now,
        };
        Ok(Creation { schedule })
    }

    /// Its workflow's row must be written before.
    pub(super) fn create(&mut self, Creation { schedule }: Creation) -> ScheduledWorkflow {
        let id = schedule.id;
        self.schedules.insert(id, ScheduleRow { schedule, deleted: false });
        self.keep_revision(id);
        self.schedules[&id].schedule.clone()
    }

    /// Its workflow's row must be written before: the new revision takes what runs need from it.
    pub(super) fn rewrite(&mut self, Rewrite { id, becomes, accounted }: Rewrite, now: UnixMillis) -> ScheduledWorkflow {
        self.insert_runs(id, &accounted.runs, None, now);
        self.insert_outcomes(id, accounted.outcomes, now);
        self.raise(id, accounted.cursor, becomes, accounted.up_to);
        self.keep_revision(id);
        if self.schedules[&id].deleted && self.holds(Mutation::DeleteRuns) {
            self.cancel_where(|run| run.schedule_id == Some(id), now);
        }
        self.schedules[&id].schedule.clone()
    }

    fn raise(&mut self, id: ScheduleId, cursor: Cursor, becomes: Becomes, updated_at: UnixMillis) {
        let row = self.schedules.get_mut(&id).expect("it was checked");
        let schedule = &mut row.schedule;
        schedule.revision += 1;
        schedule.cursor = cursor;
        schedule.failure_count = 0;
        schedule.last_error = None;
        schedule.updated_at = updated_at;
        match becomes {
            Becomes::Living { name, content, is_active } => {
                schedule.name = name;
                schedule.content = content;
                schedule.is_active = is_active;
            }
            Becomes::Deleted => row.deleted = true,
        }
    }

    fn keep_revision(&mut self, id: ScheduleId) {
        let schedule = &self.schedules[&id].schedule;
        let kept = Revision {
            name: schedule.name.clone(),
            is_active: schedule.is_active,
            created_at: schedule.updated_at,
            content: schedule.content.clone(),
            workflow: self.facts(schedule.workflow_id),
        };
        self.revisions.insert((id, schedule.revision), kept);
    }

    /// Ends what has not started; what runs goes on.
    pub(super) fn cancel_where(&mut self, belongs: impl Fn(&belfry_core::run::Run) -> bool, now: UnixMillis) {
        let runs: Vec<_> = self.live.iter().copied().filter(|id| belongs(&self.runs[id].run)).collect();
        for run in runs {
            self.cancel_unstarted(run, now);
        }
    }
}

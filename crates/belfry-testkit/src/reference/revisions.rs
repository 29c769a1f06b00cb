//! What schedules were, and how lists are filtered and ordered.

use async_trait::async_trait;
use belfry_core::ids::ScheduleId;
use belfry_core::ports::{
    Page, RevisionStore, ScheduleFilter, ScheduleOrder, ScheduleRevision, StoreError, StoreResult, WorkflowFilter, WorkflowOrder,
};
use belfry_core::schedule::ScheduledWorkflow;
use belfry_core::workflow::Workflow;

use super::{ReferenceStore, Tables, page};

#[async_trait]
impl RevisionStore for ReferenceStore {
    async fn revisions(&self, id: ScheduleId, before: Option<i64>, limit: usize) -> StoreResult<Page<ScheduleRevision>> {
        let (tables, _) = self.begin();
        if !tables.schedules.contains_key(&id) {
            return Err(StoreError::NotFound("schedule"));
        }
        let newest_first = tables.revisions.range((id, 0)..(id, before.unwrap_or(i64::MAX))).rev();
        let shown = newest_first.map(|((_, revision), kept)| ScheduleRevision {
            revision: *revision,
            name: Some(kept.name.clone()),
            is_active: Some(kept.is_active),
            content: kept.content.clone(),
            workflow: kept.workflow.clone(),
            created_at: kept.created_at,
        });
        Ok(page(shown, limit))
    }
}

pub(super) fn is_like(name: &str, part: &str) -> bool {
    name.to_lowercase().contains(&part.to_lowercase())
}

impl Tables {
    pub(super) fn listed_workflows(&self, filter: &WorkflowFilter) -> Page<Workflow> {
        let mut shown: Vec<&Workflow> = self.living_workflows().filter(|workflow| self.shows_workflow(filter, workflow)).collect();
        match &filter.order {
            WorkflowOrder::Oldest(after) => shown.retain(|workflow| after.is_none_or(|after| workflow.id > after)),
            WorkflowOrder::Newest(after) => {
                shown.retain(|workflow| after.is_none_or(|after| workflow.id < after));
                shown.reverse();
            }
            WorkflowOrder::Name(after) => {
                let key = |workflow: &Workflow| (workflow.name.clone(), workflow.id);
                shown.retain(|workflow| after.as_ref().is_none_or(|after| key(workflow) > *after));
                shown.sort_by_key(|workflow| key(workflow));
            }
        }
        page(shown.into_iter().cloned(), filter.limit)
    }

    fn shows_workflow(&self, filter: &WorkflowFilter, workflow: &Workflow) -> bool {
        let has = |is: &dyn Fn(&ScheduledWorkflow) -> bool| {
            self.living_schedules().any(|schedule| schedule.workflow_id == workflow.id && is(schedule))
        };
        filter.name.as_ref().is_none_or(|name| *name == workflow.name)
            && filter.named_like.as_ref().is_none_or(|part| is_like(&workflow.name, part))
            && filter.tag.as_ref().is_none_or(|tag| workflow.tags.contains(tag))
            && filter.is_active.is_none_or(|is_active| is_active == has(&|schedule| schedule.is_active))
            && filter.is_failing.is_none_or(|is_failing| is_failing == has(&|schedule| schedule.failure_count > 0))
    }

    pub(super) fn listed_schedules(&self, filter: &ScheduleFilter) -> Page<ScheduledWorkflow> {
        let mut shown: Vec<&ScheduledWorkflow> = self.living_schedules().filter(|schedule| self.shows_schedule(filter, schedule)).collect();
        match &filter.order {
            ScheduleOrder::Oldest(after) => shown.retain(|schedule| after.is_none_or(|after| schedule.id > after)),
            ScheduleOrder::Newest(after) => {
                shown.retain(|schedule| after.is_none_or(|after| schedule.id < after));
                shown.reverse();
            }
            ScheduleOrder::Name(after) => {
                let key = |schedule: &ScheduledWorkflow| (schedule.name.clone(), schedule.id);
                shown.retain(|schedule| after.as_ref().is_none_or(|after| key(schedule) > *after));
                shown.sort_by_key(|schedule| key(schedule));
            }
            ScheduleOrder::NextRun(after) => {
                let key = |schedule: &ScheduledWorkflow| schedule.cursor.due.map(|due| (due, schedule.id));
                shown.retain(|schedule| {
                    schedule.is_active && key(schedule).is_some() && after.is_none_or(|after| key(schedule) > Some(after))
                });
                shown.sort_by_key(|schedule| key(schedule));
            }
        }
        page(shown.into_iter().cloned(), filter.limit)
    }

    fn shows_schedule(&self, filter: &ScheduleFilter, schedule: &ScheduledWorkflow) -> bool {
        let workflow = &self.workflows[&schedule.workflow_id].workflow;
        let next = schedule.cursor.due.filter(|_| schedule.is_active);
        filter.workflow_id.is_none_or(|id| schedule.workflow_id == id)
            && filter.name.as_ref().is_none_or(|name| *name == schedule.name)
            && filter.named_like.as_ref().is_none_or(|part| is_like(&schedule.name, part) || is_like(&workflow.name, part))
            && filter.tag.as_ref().is_none_or(|tag| workflow.tags.contains(tag))
            && filter.is_active.is_none_or(|is_active| schedule.is_active == is_active)
            && filter.is_failing.is_none_or(|is_failing| (schedule.failure_count > 0) == is_failing)
            && filter.calendar.as_ref().is_none_or(|name| schedule.content.calendars.names().any(|used| used == name))
            && filter.next_run_from.is_none_or(|from| next.is_some_and(|next| next >= from))
            && filter.next_run_before.is_none_or(|before| next.is_some_and(|next| next < before))
    }
}

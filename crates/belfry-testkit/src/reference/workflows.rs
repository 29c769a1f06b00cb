//! The users' verbs.

use async_trait::async_trait;
use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    Conflict, NewManualRun, NewSchedule, NewWorkflow, Page, ScheduleEdit, ScheduleFilter, StoreError, StoreResult, TriggerSchedule,
    WorkflowFilter, WorkflowStore, WorkflowWrite, check_revision,
};
use belfry_core::run::{Run, RunKind};
use belfry_core::schedule::{DEFAULT_SCHEDULE, Origin, RecordedOutcome, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

use super::edits::{Becomes, Begins, Creation, Rewrite};
use super::{ReferenceStore, Tables, WorkflowRow, page, pending_run};

#[async_trait]
impl WorkflowStore for ReferenceStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        Ok(self.begin().1)
    }

    async fn create_workflow(&self, new: NewWorkflow) -> StoreResult<Workflow> {
        let (mut tables, now) = self.begin();
        tables.check_calendars(new.trigger.as_ref().map(|trigger| &trigger.content))?;
        if tables.workflows.contains_key(&new.id) {
            return tables.living_workflow(new.id).cloned();
        }
        tables.check_workflow_name(new.id, &new.name)?;
        let trigger = new.trigger.map(|trigger| tables.check_creation(trigger_schedule(new.id, trigger), now)).transpose()?;
        let workflow = Workflow {
            id: new.id,
            name: new.name,
            description: new.description,
            definition: new.definition,
            version: 1,
            tags: new.tags,
            queue: new.queue,
            delivery: new.delivery,
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        tables.write_workflow(workflow.clone());
        trigger.map(|trigger| tables.create(trigger));
        Ok(workflow)
    }

    async fn update_workflow(&self, write: WorkflowWrite) -> StoreResult<Workflow> {
        let (mut tables, now) = self.begin();
        tables.check_calendars(write.trigger.as_ref().map(|trigger| &trigger.content))?;
        let current = tables.living_workflow(write.id)?.clone();
        check_revision(Some(write.expected), current.revision)?;
        if write.changes_nothing(&current, tables.triggered(write.id)) {
            return Ok(current);
        }
        tables.check_workflow_name(write.id, &write.name)?;
        let (rewrites, creation) = tables.check_schedules(&write, now)?;
        let version = current.version + i64::from(write.definition != current.definition);
        let workflow = Workflow {
            id: current.id,
            name: write.name,
            description: write.description,
            definition: write.definition,
            version,
            tags: write.tags,
            queue: write.queue,
            delivery: write.delivery,
            revision: current.revision + 1,
            created_at: current.created_at,
            updated_at: now,
        };
        tables.write_workflow(workflow.clone());
        for rewrite in rewrites {
            tables.rewrite(rewrite, now);
        }
        creation.map(|creation| tables.create(creation));
        Ok(workflow)
    }

    async fn delete_workflow(&self, id: WorkflowId, expected: Option<i64>) -> StoreResult<()> {
        let (mut tables, now) = self.begin();
        check_revision(expected, tables.living_workflow(id)?.revision)?;
        let rewrites = tables.schedules_of(id).map(|schedule| Rewrite::check(schedule, Becomes::Deleted, now));
        let rewrites: Vec<Rewrite> = rewrites.collect::<Result<_, Conflict>>()?;
        let row = tables.workflows.get_mut(&id).expect("it was found living");
        row.deleted = true;
        row.workflow.revision += 1;
        row.workflow.updated_at = now;
        for rewrite in rewrites {
            tables.rewrite(rewrite, now);
        }
        tables.cancel_where(|run| run.workflow_id == id, now);
        Ok(())
    }

    async fn workflow(&self, id: WorkflowId) -> StoreResult<Workflow> {
        self.begin().0.living_workflow(id).cloned()
    }

    async fn workflows(&self, filter: WorkflowFilter) -> StoreResult<Page<Workflow>> {
        Ok(self.begin().0.listed_workflows(&filter))
    }

    async fn versions(&self, id: WorkflowId, before: Option<i64>, limit: usize) -> StoreResult<Page<WorkflowVersion>> {
        let (tables, _) = self.begin();
        tables.living_workflow(id)?;
        let newest_first = tables.versions.range((id, 0)..(id, before.unwrap_or(i64::MAX))).rev();
        Ok(page(newest_first.map(|(_, version)| version.clone()), limit))
    }

    async fn version(&self, id: WorkflowId, version: i64) -> StoreResult<WorkflowVersion> {
        let (tables, _) = self.begin();
        tables.living_workflow(id)?;
        tables.versions.get(&(id, version)).cloned().ok_or(StoreError::NotFound("version"))
    }

    async fn create_schedule(&self, new: NewSchedule) -> StoreResult<ScheduledWorkflow> {
        let (mut tables, now) = self.begin();
        tables.check_calendars(Some(&new.content))?;
        tables.living_workflow(new.workflow_id)?;
        if tables.schedules.contains_key(&new.id) {
            return tables.living_schedule(new.id).cloned();
        }
        tables.check_schedule_name(new.workflow_id, &new.name)?;
        let NewSchedule { id, workflow_id, name, content, is_active } = new;
        let creation = tables.check_creation(Begins { id, workflow_id, name, origin: Origin::Direct, content, is_active }, now)?;
        Ok(tables.create(creation))
    }

    async fn edit_schedule(&self, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow> {
        let (mut tables, now) = self.begin();
        tables.check_calendars(edit.content.as_ref())?;
        let current = tables.living_schedule(edit.id)?.clone();
        check_revision(edit.expected, current.revision)?;
        let name = edit.name.unwrap_or_else(|| current.name.clone());
        let content = edit.content.unwrap_or_else(|| current.content.clone());
        let is_active = edit.is_active.unwrap_or(current.is_active);
        let is_renamed = name != current.name;
        let is_rewritten = is_renamed || content != current.content;
        if is_rewritten && current.origin == Origin::Definition {
            return Err(Conflict::OwnedByDefinition.into());
        }
        if !is_rewritten && is_active == current.is_active {
            return Ok(current);
        }
        if is_renamed {
            tables.check_schedule_name(current.workflow_id, &name)?;
        }
        let rewrite = Rewrite::check(&current, Becomes::Living { name, content, is_active }, now)?;
        Ok(tables.rewrite(rewrite, now))
    }

    async fn delete_schedule(&self, id: ScheduleId, expected: Option<i64>) -> StoreResult<()> {
        let (mut tables, now) = self.begin();
        let current = tables.living_schedule(id)?;
        check_revision(expected, current.revision)?;
        if current.origin == Origin::Definition {
            return Err(Conflict::OwnedByDefinition.into());
        }
        let rewrite = Rewrite::check(current, Becomes::Deleted, now)?;
        tables.rewrite(rewrite, now);
        Ok(())
    }

    async fn schedule(&self, id: ScheduleId) -> StoreResult<ScheduledWorkflow> {
        self.begin().0.living_schedule(id).cloned()
    }

    async fn schedules(&self, filter: ScheduleFilter) -> StoreResult<Page<ScheduledWorkflow>> {
        Ok(self.begin().0.listed_schedules(&filter))
    }

    async fn start_run(&self, new: NewManualRun) -> StoreResult<Run> {
        let (mut tables, now) = self.begin();
        tables.living_workflow(new.workflow_id)?;
        let id = if new.keeps_id { new.id } else { planned_now(new.id, now) };
        if let Some(row) = tables.runs.get(&id) {
            return Ok(tables.shown_run(row));
        }
        let facts = tables.facts(new.workflow_id);
        let kind = if new.rerun_of.is_some() { RunKind::Rerun } else { RunKind::Manual };
        let run = Run {
            nominal_time: new.nominal_time,
            kind,
            rerun_of: new.rerun_of,
            ..pending_run(id, new.workflow_id, &facts, new.input, now)
        };
        tables.insert_run(run, 0, None);
        Ok(tables.shown_run(&tables.runs[&id]))
    }

    async fn outcomes(&self, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> StoreResult<Page<RecordedOutcome>> {
        let (tables, _) = self.begin();
        if !tables.schedules.contains_key(&id) {
            return Err(StoreError::NotFound("schedule"));
        }
        let recorded = tables.outcomes.get(&id).into_iter().flatten();
        let mut shown: Vec<_> = recorded.filter(|row| before.is_none_or(|before| row.outcome.to < before)).cloned().collect();
        shown.sort_by_key(|row| std::cmp::Reverse((row.outcome.to, row.outcome.from)));
        Ok(page(shown.into_iter(), limit))
    }
}

/// `id` with `now` in its leading 48 bits.
fn planned_now(id: RunId, now: UnixMillis) -> RunId {
    let mut bytes = *id.0.as_bytes();
    bytes[..6].copy_from_slice(&now.get().to_be_bytes()[2..]);
    RunId(uuid::Uuid::from_bytes(bytes))
}

fn trigger_schedule(workflow_id: WorkflowId, trigger: TriggerSchedule) -> Begins {
    let TriggerSchedule { id, content, is_active } = trigger;
    let is_active = is_active.unwrap_or(true);
    Begins { id, workflow_id, name: DEFAULT_SCHEDULE.to_owned(), origin: TriggerSchedule::ORIGIN, content, is_active }
}

impl Tables {
    fn schedules_of(&self, id: WorkflowId) -> impl Iterator<Item = &ScheduledWorkflow> {
        self.living_schedules().filter(move |schedule| schedule.workflow_id == id)
    }

    /// The schedule that the definition's trigger node has now.
    fn triggered(&self, id: WorkflowId) -> Option<&ScheduledWorkflow> {
        self.schedules_of(id).find(|schedule| schedule.origin == Origin::Definition)
    }

    fn check_workflow_name(&self, id: WorkflowId, name: &str) -> Result<(), Conflict> {
        match self.living_workflows().find(|workflow| workflow.name == name && workflow.id != id) {
            Some(_) => Err(Conflict::WorkflowName(name.to_owned())),
            None => Ok(()),
        }
    }

    fn check_schedule_name(&self, workflow: WorkflowId, name: &str) -> Result<(), Conflict> {
        match self.schedules_of(workflow).find(|schedule| schedule.name == name) {
            Some(_) => Err(Conflict::ScheduleName(name.to_owned())),
            None => Ok(()),
        }
    }

    /// Writes the row, and its version if that is new.
    fn write_workflow(&mut self, workflow: Workflow) {
        let version = WorkflowVersion {
            workflow_id: workflow.id,
            version: workflow.version,
            definition: workflow.definition.clone(),
            created_at: workflow.updated_at,
        };
        self.versions.entry((workflow.id, workflow.version)).or_insert(version);
        self.workflows.insert(workflow.id, WorkflowRow { workflow, deleted: false });
    }

    /// What the write makes of each schedule of the workflow, and the one that it adds.
    fn check_schedules(&self, write: &WorkflowWrite, now: UnixMillis) -> StoreResult<(Vec<Rewrite>, Option<Creation>)> {
        let triggered = self.triggered(write.id);
        let added = write.trigger.clone().filter(|_| triggered.is_none());
        if added.is_some() && self.check_schedule_name(write.id, DEFAULT_SCHEDULE).is_err() {
            return Err(Conflict::DirectDefaultStands.into());
        }
        let mut rewrites = Vec::new();
        for schedule in self.schedules_of(write.id) {
            let becomes = match (schedule.origin, &write.trigger) {
                (Origin::Direct, _) => Becomes::same(schedule),
                (Origin::Definition, None) => Becomes::Deleted,
                (Origin::Definition, Some(trigger)) => Becomes::Living {
                    name: schedule.name.clone(),
                    content: trigger.content.clone(),
                    is_active: trigger.is_active.unwrap_or(schedule.is_active),
                },
            };
            rewrites.push(Rewrite::check(schedule, becomes, now)?);
        }
        let creation = added.map(|trigger| self.check_creation(trigger_schedule(write.id, trigger), now)).transpose()?;
        Ok((rewrites, creation))
    }
}

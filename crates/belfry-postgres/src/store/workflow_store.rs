//! What users do to workflows and schedules.

use async_trait::async_trait;

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{
    Conflict, NewManualRun, NewSchedule, NewWorkflow, Page, ScheduleEdit, ScheduleFilter, ScheduleOrder, StoreError, StoreResult,
    WorkflowFilter, WorkflowOrder, WorkflowStore, WorkflowWrite, check_revision,
};
use belfry_core::run::Run;
use belfry_core::schedule::{Origin, RecordedOutcome, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

use super::conditions::{Conditions, one_more, page};
use super::schedules::{self, Made, Rewrite, SELECT_SCHEDULES};
use super::workflows::{self, SELECT_WORKFLOWS, facts_of};
use super::{PostgresStore, calendars, rows, runs};
use crate::connections::{Lease, Tx};
use crate::failed::Attempt;

#[async_trait]
impl WorkflowStore for PostgresStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        let db = self.lease().await?;
        let now = db.now().await;
        db.read(now)
    }

    async fn create_workflow(&self, new: NewWorkflow) -> StoreResult<Workflow> {
        let tx = self.begin().await?;
        let made = workflows::create(&tx, &new).await;
        tx.end(made).await
    }

    async fn update_workflow(&self, write: WorkflowWrite) -> StoreResult<Workflow> {
        let tx = self.begin().await?;
        let written = workflows::update(&tx, &write).await;
        tx.end(written).await
    }

    async fn delete_workflow(&self, id: WorkflowId, expected: Option<i64>) -> StoreResult<()> {
        let tx = self.begin().await?;
        let deleted = workflows::delete(&tx, id, expected).await;
        tx.end(deleted).await
    }

    async fn workflow(&self, id: WorkflowId) -> StoreResult<Workflow> {
        let db = self.lease().await?;
        let found = workflows::find(&db, id).await;
        db.read(found)
    }

    async fn workflows(&self, filter: WorkflowFilter) -> StoreResult<Page<Workflow>> {
        let db = self.lease().await?;
        let found = list_workflows(&db, filter).await;
        db.read(found)
    }

    async fn versions(&self, id: WorkflowId, before: Option<i64>, limit: usize) -> StoreResult<Page<WorkflowVersion>> {
        let db = self.lease().await?;
        let found = versions(&db, id, before, limit).await;
        db.read(found)
    }

    async fn version(&self, id: WorkflowId, version: i64) -> StoreResult<WorkflowVersion> {
        let db = self.lease().await?;
        let found = self::version(&db, id, version).await;
        db.read(found)
    }

    async fn create_schedule(&self, new: NewSchedule) -> StoreResult<ScheduledWorkflow> {
        let tx = self.begin().await?;
        let made = create_schedule(&tx, &new).await;
        tx.end(made).await
    }

    async fn edit_schedule(&self, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow> {
        let tx = self.begin().await?;
        let edited = edit_schedule(&tx, edit).await;
        tx.end(edited).await
    }

    async fn delete_schedule(&self, id: ScheduleId, expected: Option<i64>) -> StoreResult<()> {
        let tx = self.begin().await?;
        let deleted = delete_schedule(&tx, id, expected).await;
        tx.end(deleted).await
    }

    async fn schedule(&self, id: ScheduleId) -> StoreResult<ScheduledWorkflow> {
        let db = self.lease().await?;
        let found = schedules::find(&db, id).await;
        db.read(found)
    }

    async fn schedules(&self, filter: ScheduleFilter) -> StoreResult<Page<ScheduledWorkflow>> {
        if filter.named_like.is_some() {
            let tx = self.begin().await?;
            let found = search_schedules(&tx, filter).await;
            return tx.end(found).await;
        }
        let db = self.lease().await?;
        let found = list_schedules(&db, filter).await;
        db.read(found)
    }

    async fn start_run(&self, new: NewManualRun) -> StoreResult<Run> {
        let tx = self.begin().await?;
        let started = start_run(&tx, &new).await;
        tx.end(started).await
    }

    async fn outcomes(&self, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> StoreResult<Page<RecordedOutcome>> {
        let db = self.lease().await?;
        let found = outcomes(&db, id, before, limit).await;
        db.read(found)
    }
}

async fn versions(db: &Lease, id: WorkflowId, before: Option<i64>, limit: usize) -> Attempt<Page<WorkflowVersion>> {
    workflows::find(db, id).await?;
    let statement = "
        SELECT workflow_id, version, definition, created_at
        FROM workflow_versions
        WHERE workflow_id = $1
          AND version < $2
        ORDER BY version DESC
        LIMIT $3";
    let found = db.rows(statement, &[&id.0, &before.unwrap_or(i64::MAX), &one_more(limit)]).await?;
    Ok(page(rows::all(&found, rows::version)?, limit))
}

async fn version(db: &Lease, id: WorkflowId, version: i64) -> Attempt<WorkflowVersion> {
    workflows::find(db, id).await?;
    let statement = "
        SELECT workflow_id, version, definition, created_at
        FROM workflow_versions
        WHERE workflow_id = $1
          AND version = $2";
    rows::version(&db.row(statement, &[&id.0, &version]).await?.ok_or(StoreError::NotFound("version"))?)
}

async fn create_schedule(tx: &Tx, new: &NewSchedule) -> Attempt<ScheduledWorkflow> {
    calendars::hold_pinned(tx, Some(&new.content)).await?;
    let workflow = workflows::lock(tx, new.workflow_id).await?;
    let now = tx.now().await?;
    if workflows::knows_schedule(tx, new.id).await? {
        return schedules::find(tx, new.id).await;
    }
    check_schedule_name(tx, new.workflow_id, &new.name).await?;
    let made = Made {
        id: new.id,
        workflow: new.workflow_id,
        name: &new.name,
        origin: Origin::Direct,
        is_active: new.is_active,
        content: &new.content,
    };
    schedules::insert(tx, &made, &facts_of(&workflow), now).await?;
    schedules::find(tx, new.id).await
}

async fn edit_schedule(tx: &Tx, edit: ScheduleEdit) -> Attempt<ScheduledWorkflow> {
    calendars::hold_pinned(tx, edit.content.as_ref()).await?;
    let current = schedules::lock(tx, edit.id).await?;
    let now = tx.now().await?;
    check_revision(edit.expected, current.revision)?;
    let name = edit.name.unwrap_or_else(|| current.name.clone());
    let content = edit.content.unwrap_or_else(|| current.content.clone());
    let is_active = edit.is_active.unwrap_or(current.is_active);
    let is_other = name != current.name || content != current.content;
    if is_other && current.origin == Origin::Definition {
        return Err(Conflict::OwnedByDefinition.into());
    }
    if !is_other && is_active == current.is_active {
        return Ok(current);
    }
    if name != current.name {
        check_schedule_name(tx, current.workflow_id, &name).await?;
    }
    let facts = facts_of(&workflows::find(tx, current.workflow_id).await?);
    schedules::rewrite(tx, &current, &Rewrite { name: &name, is_active, content: &content, facts: &facts }, now).await?;
    schedules::find(tx, current.id).await
}

async fn delete_schedule(tx: &Tx, id: ScheduleId, expected: Option<i64>) -> Attempt<()> {
    let current = schedules::lock(tx, id).await?;
    let now = tx.now().await?;
    check_revision(expected, current.revision)?;
    if current.origin == Origin::Definition {
        return Err(Conflict::OwnedByDefinition.into());
    }
    workflows::delete_schedule(tx, &current, now).await
}

/// Whoever names a schedule has locked its workflow: nobody takes the name between this and the writing.
async fn check_schedule_name(tx: &Tx, workflow: WorkflowId, name: &str) -> Attempt<()> {
    if schedules::is_named(tx, workflow, name).await? {
        return Err(Conflict::ScheduleName(name.to_owned()).into());
    }
    Ok(())
}

async fn start_run(tx: &Tx, new: &NewManualRun) -> Attempt<Run> {
    let workflow = workflows::hold(tx, new.workflow_id).await?;
    let now = tx.now().await?;
    let id = if new.keeps_id { new.id } else { runs::planned_at(new.id, now) };
    // Without effect where the run stands.
    let statement = "
        INSERT INTO workflow_runs (
            id, planned_at, workflow_id, workflow_version, kind, reason, nominal_time, due_at, state, queue, delivery,
            input, publish_at, created_at, rerun_of
        )
        VALUES ($1, $2, $3, $4, 'manual', 'manual', $5, $9, 'pending', $6, $7, $8, $9, $9, $10)
        ON CONFLICT DO NOTHING";
    tx.execute(
        statement,
        &[
            &id.0,
            &id.planned_at().to_timestamp(),
            &workflow.id.0,
            &workflow.version,
            &rows::at(new.nominal_time),
            &workflow.queue.as_str(),
            &workflow.delivery.as_str(),
            &new.input,
            &now.to_timestamp(),
            &new.rerun_of.map(|run| run.0),
        ],
    )
    .await?;
    Ok(runs::find(tx, id).await?.ok_or(StoreError::NotFound("run"))?)
}

async fn outcomes(db: &Lease, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> Attempt<Page<RecordedOutcome>> {
    if !workflows::knows_schedule(db, id).await? {
        return Err(StoreError::NotFound("schedule").into());
    }
    let statement = "
        SELECT schedule_id, revision, from_at, to_at, reason, recorded_at
        FROM occurrence_outcomes
        WHERE schedule_id = $1
          AND to_at < coalesce($2, 'infinity'::timestamptz)
        ORDER BY to_at DESC, from_at DESC
        LIMIT $3";
    let found = db.rows(statement, &[&id.0, &rows::at(before), &one_more(limit)]).await?;
    Ok(page(rows::all(&found, rows::outcome)?, limit))
}

/// In the order of an index each.
async fn list_workflows(db: &Lease, filter: WorkflowFilter) -> Attempt<Page<Workflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("workflow.deleted_at IS NULL");
    conditions.and_if("workflow.name = ?", filter.name);
    conditions.and_if("position(lower(?) IN lower(workflow.name)) > 0", filter.named_like);
    conditions.and_if("workflow.tags @> ARRAY[?::text]", filter.tag);
    conditions.and_whether(filter.is_active, &with_a_schedule("is_active"));
    conditions.and_whether(filter.is_failing, &with_a_schedule("failure_count > 0"));
    let order = match filter.order {
        WorkflowOrder::Oldest(after) => {
            conditions.and_if("workflow.id > ?", after.map(|id| id.0));
            "workflow.id"
        }
        WorkflowOrder::Newest(after) => {
            conditions.and_if("workflow.id < ?", after.map(|id| id.0));
            "workflow.id DESC"
        }
        WorkflowOrder::Name(after) => {
            if let Some((name, id)) = after {
                conditions.and_two("(workflow.name COLLATE \"C\", workflow.id) > (?, ?)", name, id.0);
            }
            "workflow.name COLLATE \"C\", workflow.id"
        }
    };
    let page_of_workflows = conditions.statement("SELECT workflow.id FROM workflows workflow", order, filter.limit);
    // The page first, then what is beside a workflow.
    let statement = format!(
        "WITH found AS ({page_of_workflows})
         {SELECT_WORKFLOWS}
         JOIN found
           ON found.id = workflow.id
         ORDER BY {order}"
    );
    let found = db.rows(&statement, &conditions.values()).await?;
    Ok(page(rows::all(&found, rows::workflow)?, filter.limit))
}

fn with_a_schedule(that: &str) -> String {
    format!(
        "EXISTS (
             SELECT 1
             FROM scheduled_workflows
             WHERE workflow_id = workflow.id
               AND deleted_at IS NULL
               AND {that}
         )"
    )
}

/// What has a part of a name in it is not known before all names are read, which is done in the order in which they lie. Along an
/// index, which is what connections are set to prefer, that took eight times as long.
async fn search_schedules(tx: &Tx, filter: ScheduleFilter) -> Attempt<Page<ScheduledWorkflow>> {
    tx.execute("SET LOCAL enable_seqscan = on", &[]).await?;
    list_schedules(tx, filter).await
}

async fn list_schedules(db: &Lease, filter: ScheduleFilter) -> Attempt<Page<ScheduledWorkflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("schedule.deleted_at IS NULL");
    conditions.and_if("schedule.workflow_id = ?", filter.workflow_id.map(|id| id.0));
    // As the index of names compares them.
    conditions.and_if("schedule.name COLLATE \"C\" = ?", filter.name);
    let is_search = filter.named_like.is_some();
    if let Some(part) = filter.named_like {
        // The workflows are searched once, not once for each schedule.
        let text = "(
            position(lower(?) IN lower(schedule.name)) > 0
            OR schedule.workflow_id IN (SELECT id FROM workflows WHERE position(lower(?) IN lower(name)) > 0)
        )";
        conditions.and_two(text, part.clone(), part);
    }
    conditions.and_if("EXISTS (SELECT 1 FROM workflows WHERE id = schedule.workflow_id AND tags @> ARRAY[?::text])", filter.tag);
    conditions.and_whether(filter.is_active, "schedule.is_active");
    conditions.and_whether(filter.is_failing, "schedule.failure_count > 0");
    let by_next_run = matches!(filter.order, ScheduleOrder::NextRun(_));
    if by_next_run || filter.next_run_from.is_some() || filter.next_run_before.is_some() {
        // The conditions of the index of what is due, word for word.
        conditions.and_that("schedule.is_active AND schedule.next_run_at IS NOT NULL");
    }
    conditions.and_if("schedule.next_run_at >= ?", rows::at(filter.next_run_from));
    conditions.and_if("schedule.next_run_at < ?", rows::at(filter.next_run_before));
    conditions.and_if("schedule.id IN (SELECT schedule_id FROM schedule_calendars WHERE calendar = ?)", filter.calendar);
    let order = schedules_in(filter.order, &mut conditions);
    let (conditions_are, limit) = (conditions.all(), conditions.limit(filter.limit));
    // `OFFSET 0`: a search is not to walk along the index of its order.
    let apart = if is_search { "OFFSET 0" } else { "" };
    // The page first: what each schedule says is read for those that are shown, not for all that are found.
    let statement = format!(
        "WITH found AS (
             SELECT id
             FROM (SELECT id, name, next_run_at FROM scheduled_workflows schedule WHERE {conditions_are} {apart}) schedule
             ORDER BY {order}
             LIMIT {limit}
         )
         {SELECT_SCHEDULES}
         JOIN found
           ON found.id = schedule.id
         ORDER BY {order}"
    );
    let found = db.rows(&statement, &conditions.values()).await?;
    Ok(page(rows::all(&found, rows::schedule)?, filter.limit))
}

/// The order, which is that of an index; `conditions` then begin where the page before ended.
fn schedules_in(order: ScheduleOrder, conditions: &mut Conditions) -> &'static str {
    match order {
        ScheduleOrder::Oldest(after) => {
            conditions.and_if("schedule.id > ?", after.map(|id| id.0));
            "schedule.id"
        }
        ScheduleOrder::Newest(after) => {
            conditions.and_if("schedule.id < ?", after.map(|id| id.0));
            "schedule.id DESC"
        }
        ScheduleOrder::Name(after) => {
            if let Some((name, id)) = after {
                conditions.and_two("(schedule.name COLLATE \"C\", schedule.id) > (?, ?)", name, id.0);
            }
            "schedule.name COLLATE \"C\", schedule.id"
        }
        ScheduleOrder::NextRun(after) => {
            if let Some((next_run_at, id)) = after {
                conditions.and_two("(schedule.next_run_at, schedule.id) > (?, ?)", next_run_at.to_timestamp(), id.0);
            }
            "schedule.next_run_at, schedule.id"
        }
    }
}

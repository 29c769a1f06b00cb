//! What a benchmark makes: one workflow, and its schedules.

use std::sync::Arc;

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{Clock, Ids, NewSchedule, NewWorkflow, RunFilter};
use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, QueueName};

use super::progress;
use crate::backends::Stores;
use crate::edge::Host;

/// How many schedules are made at once: as many as there are connections by default.
const AT_ONCE: usize = 8;
/// Made first and paused, to learn how long making takes.
const SAMPLE: usize = 200;

pub struct Load {
    stores: Stores,
    pub workflow: WorkflowId,
}

pub struct Plan {
    pub schedules: usize,
    /// Runs that there are to be.
    pub occurrences: usize,
    pub first: UnixMillis,
    pub last: UnixMillis,
}

/// Of one run, in milliseconds from its due time.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    pub to_row: i64,
    pub to_confirm: Option<i64>,
}

/// The benchmark's own.
pub fn queue() -> QueueName {
    QueueName::parse("belfry-bench").expect("it is a queue's name")
}

impl Load {
    pub async fn prepare(stores: &Stores) -> anyhow::Result<Load> {
        let now = stores.workflows.now().await.context("the database does not answer")?;
        let id = WorkflowId(Host.v7(now));
        let new = NewWorkflow {
            id,
            name: format!("belfry-bench-{id}"),
            description: "Made by `belfry bench`, which removes it.".to_owned(),
            definition: json!({"nodes": [{"id": "nothing", "type": "log", "parameters": {"message": "nothing"}}], "edges": []}),
            tags: Vec::new(),
            queue: queue(),
            // Drained and never claimed: tracked runs would be published again after half a minute.
            delivery: Delivery::Handoff,
            trigger: None,
        };
        stores.workflows.create_workflow(new).await.context("cannot make the benchmark's workflow")?;
        Ok(Load { stores: stores.clone(), workflow: id })
    }

    /// All due at one instant.
    pub async fn burst(&self, schedules: usize, lead: SignedDuration) -> anyhow::Result<Plan> {
        let due = self.first_due(schedules, lead).await?;
        self.make(schedules, true, None, move |_| Spec::every(SignedDuration::from_hours(24), due)).await?;
        self.check_lead(due).await?;
        Ok(Plan { schedules, occurrences: schedules, first: due, last: due })
    }

    /// Due evenly over each `every`, for `length`.
    pub async fn steady(
        &self,
        schedules: usize,
        every: SignedDuration,
        length: SignedDuration,
        lead: SignedDuration,
    ) -> anyhow::Result<Plan> {
        let first = self.first_due(schedules, lead).await?;
        let (step, rounds) = (every.as_millis(), length.as_millis() / every.as_millis().max(1));
        ensure!(rounds >= 1, "--for {length:#} is shorter than --every {every:#}: no schedule would be due");
        let offset = move |place: usize| SignedDuration::from_millis((step * place as i128 / schedules as i128) as i64);
        let last = first.plus(every.saturating_mul(i32::try_from(rounds - 1).unwrap_or(i32::MAX))).plus(offset(schedules - 1));
        self.make(schedules, true, Some(last), move |place| Spec::every(every, first.plus(offset(place)))).await?;
        self.check_lead(first).await?;
        Ok(Plan { schedules, occurrences: schedules * usize::try_from(rounds)?, first, last })
    }

    /// None due for a year.
    pub async fn idle(&self, schedules: usize) -> anyhow::Result<()> {
        let now = self.stores.workflows.now().await.context("the database does not answer")?;
        let due = now.plus(SignedDuration::from_hours(365 * 24));
        self.make(schedules, true, None, move |_| Spec::every(SignedDuration::from_hours(24), due)).await
    }

    /// How late each run due from `first` on was, in no order.
    pub async fn lateness(&self, first: UnixMillis) -> anyhow::Result<Vec<Late>> {
        let (mut runs, mut after): (Vec<Late>, Option<RunId>) = (Vec::new(), None);
        loop {
            let filter =
                RunFilter { workflow_id: Some(self.workflow), planned_from: Some(first), after, limit: 200, ..RunFilter::default() };
            let page = self.stores.runs.runs(filter).await.context("cannot read the runs")?;
            after = page.items.last().map(|run| run.id);
            let millis = |length: SignedDuration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            runs.extend(page.items.iter().map(|run| Late {
                to_row: millis(run.created_at.since(run.due_at)),
                to_confirm: run.queued_at.map(|at| millis(at.since(run.due_at))),
            }));
            if !page.more {
                return Ok(runs);
            }
        }
    }

    /// When the first may be due, so that all are made by then and the daemons have had `lead` to find them.
    async fn first_due(&self, schedules: usize, lead: SignedDuration) -> anyhow::Result<UnixMillis> {
        let begun = Host.boot();
        self.make(SAMPLE, false, None, |_| Spec::every(SignedDuration::from_hours(24), UnixMillis::EPOCH)).await?;
        let took = Host.boot().since(begun).max(SignedDuration::from_millis(1));
        let factor = i32::try_from(schedules / SAMPLE + 1).unwrap_or(i32::MAX);
        let now = self.stores.workflows.now().await.context("the database does not answer")?;
        // Half as long again: making slows down as the tables grow.
        let making = took.saturating_mul(factor).saturating_mul(3) / 2;
        Ok(now.plus(making).plus(lead))
    }

    async fn check_lead(&self, first: UnixMillis) -> anyhow::Result<()> {
        let now = self.stores.workflows.now().await.context("the database does not answer")?;
        ensure!(first.since(now) >= SignedDuration::from_secs(3), "making the schedules took longer than was expected; run it again");
        Ok(())
    }

    async fn make(&self, count: usize, is_active: bool, end_at: Option<UnixMillis>, spec: impl Fn(usize) -> Spec) -> anyhow::Result<()> {
        let (free, now) = (Arc::new(Semaphore::new(AT_ONCE)), self.stores.workflows.now().await?);
        let mut making: JoinSet<anyhow::Result<()>> = JoinSet::new();
        for place in 0..count {
            let content = ScheduleContent { end_at, ..ScheduleContent::new(vec![spec(place)], Zone::utc()) };
            let id = ScheduleId(Host.v7(now));
            let new = NewSchedule { id, workflow_id: self.workflow, name: id.to_string(), content, is_active };
            let (store, permit) = (Arc::clone(&self.stores.workflows), Arc::clone(&free).acquire_owned().await?);
            making.spawn(async move {
                store.create_schedule(new).await.context("cannot make a schedule")?;
                drop(permit);
                Ok(())
            });
            while let Some(made) = making.try_join_next() {
                made??;
            }
            if place % 1_000 == 999 {
                progress(&format!("{} of {count} schedules made", place + 1));
            }
        }
        while let Some(made) = making.join_next().await {
            made??;
        }
        Ok(())
    }
}

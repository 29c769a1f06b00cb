//! Runs, as users look at them and cancel them, and as workers outside Belfry execute them.

pub(crate) mod claims;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use belfry_core::ids::RunId;
use belfry_core::ports::{Cancelled, PollStore, RunFilter, RunStore};
use belfry_core::run::{Run, RunState};
use belfry_core::violation::{Violations, nearest};
use serde_json::Value;

pub use self::schemas::{
    CancelResponse, ClaimRequest, ClaimResponse, CompleteRequest, EpochRequest, FailRequest, FinishResponse, HeartbeatRequest,
    HeartbeatResponse, ListRuns, NodeResponse, PollRequest, RunResponse,
};

use crate::error::ServiceError;
use crate::list::{self, ListResponse};

#[derive(Clone)]
pub struct RunService {
    store: Arc<dyn RunStore>,
    polls: Arc<dyn PollStore>,
}

impl RunService {
    pub fn new(store: Arc<dyn RunStore>, polls: Arc<dyn PollStore>) -> RunService {
        RunService { store, polls }
    }

    /// The run as it is kept, for those who start it once more.
    pub async fn kept(&self, id: RunId) -> Result<Run, ServiceError> {
        Ok(self.store.run(id).await?)
    }

    /// With its own result, and those of its nodes. Runs of deleted workflows remain.
    pub async fn get(&self, id: RunId) -> Result<RunResponse, ServiceError> {
        Ok(RunResponse::from(self.store.run(id).await?))
    }

    /// Newest planned time first, without results.
    pub async fn list(&self, query: ListRuns) -> Result<ListResponse<RunResponse>, ServiceError> {
        let page = self.store.runs(filter(&query)?).await?;
        Ok(ListResponse::of(page, RunResponse::brief, |run| run.id.to_string()))
    }

    /// Final for a run that has not started; a running one is asked to stop. `Conflict::RunEnded` for one that has ended.
    pub async fn cancel(&self, id: RunId) -> Result<CancelResponse, ServiceError> {
        Ok(match self.store.cancel(id).await? {
            Cancelled::Ended => {
                CancelResponse { state: RunState::Cancelled, detail: "the run had not started and is cancelled".to_owned() }
            }
            Cancelled::Asked => CancelResponse {
                state: RunState::Running,
                detail: "the run's worker is asked to stop and sees it at its next heartbeat, within 15 s".to_owned(),
            },
        })
    }
}

fn filter(query: &ListRuns) -> Result<RunFilter, Violations> {
    let mut violations = Violations::default();
    let filter = RunFilter {
        workflow_id: list::id("workflow_id", query.workflow_id.as_deref(), &mut violations),
        schedule_id: list::id("schedule_id", query.schedule_id.as_deref(), &mut violations),
        states: query.state.iter().filter_map(|name| state(name, &mut violations)).collect(),
        planned_from: list::instant("planned_from", query.planned_from.as_deref(), &mut violations),
        planned_before: list::instant("planned_before", query.planned_before.as_deref(), &mut violations),
        after: list::cursor(query.cursor.as_deref(), &mut violations),
        limit: list::limit(query.limit, &mut violations),
    };
    violations.or(filter)
}

fn state(name: &str, violations: &mut Violations) -> Option<RunState> {
    let state = RunState::parse(name);
    if state.is_none() {
        let known: Vec<&str> = RunState::ALL.iter().map(|state| state.as_str()).collect();
        let perhaps = nearest(name, known.iter().copied()).map(|nearest| format!("; perhaps `{nearest}`")).unwrap_or_default();
        let detail = format!("`{name}` is no state of a run{perhaps}");
        violations.add("/state", Some(Value::from(name)), detail, format!("one of {}", known.join(", ")));
    }
    state
}

//! What is published of a run: a CloudEvent 1.0 in structured mode.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ids::{RunId, ScheduleId, WorkflowId};
use crate::ports::PendingRun;
use crate::time::UnixMillis;

#[cfg(test)]
mod tests;

pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The largest input that is sent along; a larger one is fetched by the run's id.
pub const MAX_INPUT_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    r#type: &'static str,
    id: RunId,
    source: &'a str,
    subject: &'a str,
    datacontenttype: &'static str,
    data: RunData<'a>,
}

#[derive(Serialize)]
struct RunData<'a> {
    run_id: RunId,
    workflow_id: WorkflowId,
    workflow_name: &'a str,
    workflow_version: i64,
    schedule_id: Option<ScheduleId>,
    nominal_time: Option<UnixMillis>,
    planned_at: UnixMillis,
    attempt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a RawValue>,
}

/// The body of the message of `run`; `source` is the API's base URL.
pub fn body(run: &PendingRun, source: &str) -> String {
    let input = Some(&*run.input).filter(|input| input.len() <= MAX_INPUT_BYTES);
    let event = CloudEvent {
        specversion: "1.0",
        r#type: "dev.belfry.run.v1",
        id: run.id,
        source,
        subject: &run.workflow.name,
        datacontenttype: "application/json",
        data: RunData {
            run_id: run.id,
            workflow_id: run.workflow_id,
            workflow_name: &run.workflow.name,
            workflow_version: run.workflow.version,
            schedule_id: run.schedule_id,
            nominal_time: run.nominal_time,
            planned_at: run.id.planned_at(),
            attempt: run.attempt,
            input: input.and_then(|input| serde_json::from_str(input).ok()),
        },
    };
    serde_json::to_string(&event).expect("ids, times and JSON values can be written as JSON")
}

//! Schedules, as users make, read, edit and delete them: `ScheduleTriggerService`, the one reader of a schedule's shape,
//! and the schemas that are mounted at `/workflows/{id}/schedule`.
//!
//! Nothing here decides or fires: writes go through `WorkflowStore`, which accounts for what is due in their transaction.

mod describe;
mod document;
mod parse;
mod preview;
mod schemas;
mod service;
#[cfg(test)]
mod tests;

pub use self::parse::{MAX_SPECS, ScheduleDraft, parse_schedule};
pub(crate) use self::parse::{check_input, check_name};
pub use self::preview::{PreviewResponse, preview};
pub use self::schemas::{Created, ListSchedules, OutcomeResponse, ScheduleRequest, ScheduleResponse, SpecShape};
pub use self::service::ScheduleTriggerService;
pub(crate) use self::service::{again_when_overtaken, check_revision, default_schedule, of_definition, trigger_node};

//! Schedules, as users make, read, edit and delete them: `ScheduleTriggerService`, the one reader of a schedule's shape,
//! and the schemas that are mounted at `/workflows/{id}/schedule`.
//!
//! Nothing here decides or fires: writes go through `WorkflowStore`, which accounts for what is due in their transaction.

mod calendars;
mod describe;
mod document;
mod finding;
mod parse;
mod preview;
mod revisions;
mod schemas;
mod service;
#[cfg(test)]
mod tests;
mod touched;

pub use self::calendars::{KnownCalendars, Reading};
pub(crate) use self::parse::{CRON, RRULE, check_input, check_name};
pub use self::parse::{MAX_SPECS, ScheduleDraft, parse_schedule};
pub use self::preview::{PreviewResponse, PreviewTime, Wanted, preview, preview_of};
pub use self::revisions::{ChangeResponse, RevisionResponse, RevisionService};
pub use self::schemas::{Created, ListSchedules, OutcomeResponse, READ_ONLY, ScheduleRequest, ScheduleResponse, SpecShape};
pub use self::service::ScheduleTriggerService;
pub(crate) use self::service::{again_when_overtaken, check_revision, default_schedule, of_definition, trigger_node};
pub use self::touched::{Touched, touched};

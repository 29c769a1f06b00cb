//! Why a text is no cron expression, said so that its author can put it right.

use super::field::Field;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error(
        "a cron expression has five fields (minute hour day-of-month month day-of-week), or six with the second first, \
         but {0} were found"
    )]
    FieldCount(usize),
    #[error("`{0}` has seven fields, but years are not supported yet; leave the year out and give the schedule an end")]
    Years(String),
    #[error("a cron expression is at most {most} characters long, but {length} were found")]
    TooLong { length: usize, most: usize },

    #[error("`@reboot` is not a time; to start something with the host, use a service unit")]
    Reboot,
    #[error("`{text}` is an interval, not a cron expression; use the schedule's `every` field: `\"every\": \"{every}\"`")]
    Every { text: String, every: String },
    #[error("`{given}` is no macro; use @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly{}", or_nearest(.nearest))]
    UnknownMacro { given: String, nearest: Option<&'static str> },
    #[error("`{rest}` follows the macro `{name}`, which must stand alone")]
    AfterMacro { name: String, rest: String },
    #[error("`{0}` does not belong into a cron expression; use the schedule's `timezone` field")]
    ZoneInside(String),

    #[error("`{item}` in {field}: `H` is not supported; choose a number by hand: {}", .field.accepts())]
    Hash { field: Field, item: String },
    #[error("`{item}` in {field}: `L`, `W` and `#` are not supported yet; use {}", .field.accepts())]
    NotYet { field: Field, item: String },
    #[error("`?` in {field}: it must be the whole of day-of-month or day-of-week, and means `*` there; use {}", .field.accepts())]
    QuestionMark { field: Field },

    #[error("{field} `{text}` has an empty item; use {} between commas", .field.accepts())]
    EmptyItem { field: Field, text: String },
    #[error("`{value}` in {field}: use {}, `*`, a range such as `{}` or a step such as `*/2`", .field.accepts(), .field.example())]
    NotAValue { field: Field, value: String },
    #[error("`{value}` in {field} is out of range; use {}", .field.accepts())]
    OutOfRange { field: Field, value: String },
    #[error("step `{step}` in {field} `{item}`; use 1 to {}, for a step does not reach past its field (an interval does)", .field.high())]
    Step { field: Field, item: String, step: String },
    #[error("`{range}` in {field} runs backwards; write `{instead}`")]
    Backwards { field: Field, range: String, instead: String },

    #[error("day-of-month `{days}` does not come in month `{months}`, so this would never fire; use a day that the month has")]
    NeverFires { days: String, months: String },
}

fn or_nearest(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!(" (perhaps {name})")).unwrap_or_default()
}

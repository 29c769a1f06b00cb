//! Why a text is no cron expression, said so that its author can put it right.

use super::field::Field;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    #[error(
        "a cron expression has five fields (minute hour day-of-month month day-of-week), six with the second first, or \
         seven with the year last as well, but {0} were found"
    )]
    FieldCount(usize),
    #[error(
        "a Quartz expression has six fields (second minute hour day-of-month month day-of-week), or seven with the year \
         last, but {0} were found; without seconds, leave `dialect` out or put a 0 first"
    )]
    QuartzFieldCount(usize),
    #[error(
        "in the Quartz dialect exactly one of the day fields is `?`, but day-of-month is `{day}` and day-of-week \
         `{weekday}`; {instead}"
    )]
    QuartzDays { day: String, weekday: String, instead: String },
    #[error("`{name}` is not of the Quartz dialect; write `{instead}`, or leave `dialect` out")]
    QuartzMacro { name: String, instead: &'static str },
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
    #[error(
        "`{item}` in day-of-month: use `L` (the last day), `L-1` to `L-30` (days before it), `LW` (the last Monday to Friday) \
         or `15W` (the Monday to Friday nearest to the 15th)"
    )]
    SpecialDay { item: String },
    #[error("`{item}` in day-of-week: use `{day}#1` to `{day}#5`, for no weekday comes more often in a month, or `{day}L` for the last")]
    NoSuchWeek { item: String, day: String },
    #[error("`L` in day-of-week: name the day, such as `FRIL` for the last Friday of the month, or SAT for every Saturday")]
    LastWhat,
    #[error("`{item}` in day-of-week: `L` follows a single day, such as `FRIL`; list several, such as `THUL,FRIL`")]
    LastOfMany { item: String },
    #[error("`?` in {field}: it must be the whole of day-of-month or day-of-week, and means `*` there; use {}", .field.accepts())]
    QuestionMark { field: Field },

    #[error("{field} `{text}` has an empty item; use {} between commas", .field.accepts())]
    EmptyItem { field: Field, text: String },
    #[error("`{value}` in {field}: use {}, `*`, a range such as `{}` or a step such as `*/2`", .field.accepts(), .field.example())]
    NotAValue { field: Field, value: String },
    #[error("`{value}` in {field} is out of range; use {}", .field.accepts())]
    OutOfRange { field: Field, value: String },
    #[error("step `{step}` in {field} `{item}`; use 1 to {}, for a step does not reach past its field (an interval does)", .field.longest_step())]
    Step { field: Field, item: String, step: String },
    #[error("`{range}` in {field} runs backwards; write `{instead}`")]
    Backwards { field: Field, range: String, instead: String },

    #[error("{days} {months}, so this would never fire; use a day that the month has")]
    NeverFires { days: String, months: String },
}

fn or_nearest(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!(" (perhaps {name})")).unwrap_or_default()
}

//! Why a verb failed, inside this crate: SQLite's errors become the ports' in one place.

use rusqlite::ErrorCode;

use belfry_core::ports::{Conflict, StoreError};
use belfry_core::schedule::ScheduledWorkflow;

/// A [`StoreError`] that `?` also makes of SQLite's errors.
#[derive(Debug)]
pub struct Failed(pub StoreError);

pub type Attempt<T> = Result<T, Failed>;

impl Failed {
    /// Of a schedule that a calendar's change plans anew.
    pub fn of_user(self, schedule: &ScheduledWorkflow) -> Failed {
        Failed(self.0.of_user(schedule))
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed(error)
    }
}

impl From<Conflict> for Failed {
    fn from(conflict: Conflict) -> Failed {
        Failed(StoreError::Conflict(conflict))
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Failed {
        Failed(of(&error))
    }
}

/// Data errors fail again with the same call; every other condemns nobody.
pub fn of(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, ToSqlConversionFailure};
    let text = error.to_string();
    match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | ToSqlConversionFailure(_) => {
            StoreError::Data(text)
        }
        other => match other.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => StoreError::Data(text),
            _ => StoreError::Unavailable(text),
        },
    }
}

/// A commit that failed while it was written to the disk may or may not be found there after a crash.
pub fn of_commit(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreError::InDoubt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

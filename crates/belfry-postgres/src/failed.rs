//! Why a verb failed, inside this crate: the driver's errors become the ports' in one place.

use std::error::Error as _;

use belfry_core::ports::{Conflict, StoreError};
use belfry_core::schedule::ScheduledWorkflow;
use tokio_postgres::error::SqlState;

/// What `?` makes of every error. Whether a lost connection leaves the verb in doubt is known only to who sent it.
#[derive(Debug)]
pub enum Failed {
    Port(StoreError),
    Driver(tokio_postgres::Error),
    /// The server did not answer in time.
    Silent,
}

pub type Attempt<T> = Result<T, Failed>;

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Port(error)
    }
}

impl From<Conflict> for Failed {
    fn from(conflict: Conflict) -> Failed {
        Failed::Port(StoreError::Conflict(conflict))
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Failed {
        Failed::Driver(error)
    }
}

impl Failed {
    /// Nothing had been sent that could stand: a read, or a transaction that was not committed.
    pub fn without_doubt(self) -> StoreError {
        match self {
            Failed::Port(error) => error,
            Failed::Silent => StoreError::Unavailable("the server did not answer in time".to_owned()),
            Failed::Driver(error) => of_driver(&error),
        }
    }

    /// A statement was sent that writes and commits: without its answer nobody knows.
    pub fn of_write(self) -> StoreError {
        if self.leaves_doubt() {
            return match self {
                Failed::Driver(error) => StoreError::InDoubt(told(&error)),
                _ => StoreError::InDoubt("the server did not answer in time".to_owned()),
            };
        }
        self.without_doubt()
    }

    /// The unique index that refused the write.
    pub fn violates(&self, index: &str) -> bool {
        let Failed::Driver(error) = self else { return false };
        error.as_db_error().is_some_and(|db| db.code() == &SqlState::UNIQUE_VIOLATION && db.constraint() == Some(index))
    }

    /// Of a schedule that a calendar's change plans anew.
    pub fn of_user(self, schedule: &ScheduledWorkflow) -> Failed {
        match self {
            Failed::Port(error) => Failed::Port(error.of_user(schedule)),
            failed => failed,
        }
    }

    /// Whether the connection still answers: what comes from the server as an error leaves it whole.
    pub fn keeps_connection(&self) -> bool {
        match self {
            Failed::Port(_) => true,
            Failed::Silent => false,
            Failed::Driver(error) => !error.is_closed() && !is_lost(error),
        }
    }

    fn leaves_doubt(&self) -> bool {
        match self {
            Failed::Port(_) => false,
            Failed::Silent => true,
            Failed::Driver(error) => error.is_closed() || is_lost(error),
        }
    }
}

/// The connection broke, or the server ended it, perhaps while it was committing.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => code.code().starts_with("08") || code.code().starts_with("57P") || code.code() == "40003",
        None => error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

/// Data errors fail again with the same call; every other condemns nobody.
fn of_driver(error: &tokio_postgres::Error) -> StoreError {
    let is_data = match error.code() {
        Some(code) => ["22", "23", "54"].contains(&code.code().get(..2).unwrap_or_default()),
        // Not from the server, and not the connection: a value that cannot be sent or read.
        None => !error.is_closed() && !is_lost(error) && error.source().is_some(),
    };
    if is_data { StoreError::Data(told(error)) } else { StoreError::Unavailable(told(error)) }
}

/// The driver's own text only says that there was an error.
pub fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

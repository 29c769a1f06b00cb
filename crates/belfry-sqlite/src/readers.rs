//! The threads that read, each on a connection of its own: what they do waits behind no write.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use belfry_core::ports::{StoreError, StoreResult};

use crate::failed::Attempt;

/// How many questions may wait; the next callers wait to be let into the line.
const LINE: usize = 1_024;

type Question = Box<dyn FnOnce(&Connection) + Send>;
type Line = Arc<Mutex<mpsc::Receiver<Option<Question>>>>;

#[derive(Clone)]
pub struct Readers {
    /// `None` closes the line.
    line: mpsc::Sender<Option<Question>>,
}

impl Readers {
    /// The readers, and what the thread of each connection is to run.
    pub fn new(connections: Vec<Connection>) -> (Readers, Vec<impl FnOnce() + Send + 'static>) {
        let (line, waiting) = mpsc::channel(LINE);
        let waiting: Line = Arc::new(Mutex::new(waiting));
        let threads = connections.into_iter().map(|connection| {
            let waiting = Arc::clone(&waiting);
            move || serve(&connection, &waiting)
        });
        (Readers { line }, threads.collect())
    }

    /// Answers `question` from one snapshot of the file: everything committed before it was asked, or more.
    pub async fn read<T, Q>(&self, question: Q) -> StoreResult<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Attempt<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let asked: Question = Box::new(move |connection| {
            if !answer.is_closed() {
                // Nobody may be waiting any more.
                let _ = answer.send(from_one_snapshot(connection, question).map_err(|failed| failed.0));
            }
        });
        self.line.send(Some(asked)).await.map_err(|_| StoreError::Unavailable("it was closed".to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("its reader failed".to_owned())))
    }

    /// Lets nobody more into the line; what waits in it is still answered.
    pub async fn close(&self) {
        // A line that is closed already needs no closing.
        let _ = self.line.send(None).await;
    }
}

fn serve(connection: &Connection, line: &Line) {
    loop {
        let next = {
            let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
            let next = line.blocking_recv();
            if matches!(next, Some(None)) {
                line.close();
            }
            next
        };
        match next {
            // A panic of one question must not take the readers from all the others.
            Some(Some(question)) => {
                if catch_unwind(AssertUnwindSafe(|| question(connection))).is_err() {
                    error!("a question to the database panicked");
                }
            }
            Some(None) => {}
            None => return,
        }
    }
}

fn from_one_snapshot<T>(connection: &Connection, question: impl FnOnce(&Connection) -> Attempt<T>) -> Attempt<T> {
    let snapshot = connection.unchecked_transaction()?;
    question(&snapshot)
}

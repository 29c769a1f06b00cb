//! The one thread that writes.
//!
//! Verbs wait in a bounded line. All that wait are carried out in one transaction, each in a savepoint of its own, so that
//! many callers share one wait for the disk; nobody is answered before the commit. A caller that goes away changes
//! nothing: its verb is carried out whole.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use belfry_core::ports::{StoreError, StoreResult};
use belfry_core::time::UnixMillis;

use crate::clock::StoreClock;
use crate::failed::{self, Attempt};

/// How many verbs may wait; the next callers wait to be let into the line.
const LINE: usize = 1_024;
/// How many verbs share a commit: they must not wait long for one another.
const GROUP: usize = 64;

/// What a verb works with: the writing connection inside a transaction, and the store's clock read within it.
pub struct Tx<'a> {
    connection: &'a Connection,
    pub now: UnixMillis,
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

#[derive(Clone)]
pub struct Writer {
    /// `None` closes the line.
    line: mpsc::Sender<Option<Box<dyn Waiting>>>,
}

impl Writer {
    /// The writer, and what its thread is to run.
    pub fn new(connection: Connection, clock: Arc<StoreClock>) -> (Writer, impl FnOnce() + Send + 'static) {
        let (line, waiting) = mpsc::channel(LINE);
        (Writer { line }, move || serve(&connection, &clock, waiting))
    }

    /// Carries out `verb` in a transaction: all of it, or, when it fails, nothing.
    pub async fn write<T, V>(&self, verb: V) -> StoreResult<T>
    where
        T: Send + 'static,
        V: FnOnce(&Tx<'_>) -> Attempt<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let waiting = Verb { verb: Some(verb), result: None, answer };
        self.line.send(Some(Box::new(waiting))).await.map_err(|_| StoreError::Unavailable("it was closed".to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::InDoubt("its writer has stopped".to_owned())))
    }

    /// Lets nobody more into the line; what waits in it is still carried out.
    pub async fn close(&self) {
        // A line that is closed already needs no closing.
        let _ = self.line.send(None).await;
    }
}

trait Waiting: Send {
    fn carry_out(&mut self, connection: &Connection, clock: &StoreClock);

    fn answer(self: Box<Self>, committed: StoreResult<()>);
}

struct Verb<T, V> {
    /// Taken when it is carried out.
    verb: Option<V>,
    result: Option<StoreResult<T>>,
    answer: oneshot::Sender<StoreResult<T>>,
}

impl<T, V> Waiting for Verb<T, V>
where
    T: Send,
    V: FnOnce(&Tx<'_>) -> Attempt<T> + Send,
{
    fn carry_out(&mut self, connection: &Connection, clock: &StoreClock) {
        if let Some(verb) = self.verb.take() {
            self.result = Some(in_savepoint(connection, clock, verb));
        }
    }

    fn answer(self: Box<Self>, committed: StoreResult<()>) {
        let answer = match (self.result, committed) {
            // What a verb found out beside others that were rolled back is worth nothing.
            (_, Err(error)) | (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Unavailable("it was not reached".to_owned())),
        };
        // Nobody may be waiting any more.
        let _ = self.answer.send(answer);
    }
}

fn serve(connection: &Connection, clock: &StoreClock, mut line: mpsc::Receiver<Option<Box<dyn Waiting>>>) {
    while let Some(next) = line.blocking_recv() {
        let Some(first) = next else {
            line.close();
            continue;
        };
        let mut group = vec![first];
        while group.len() < GROUP {
            match line.try_recv() {
                Ok(Some(verb)) => group.push(verb),
                Ok(None) => line.close(),
                Err(_) => break,
            }
        }
        let committed = together(connection, clock, &mut group);
        if let Err(error) = &committed {
            error!(verbs = group.len(), "failed to commit: {error}");
        }
        for verb in group {
            verb.answer(committed.clone());
        }
    }
}

fn together(connection: &Connection, clock: &StoreClock, group: &mut [Box<dyn Waiting>]) -> StoreResult<()> {
    run(connection, "BEGIN IMMEDIATE").map_err(|error| failed::of(&error))?;
    let changes = connection.total_changes();
    for verb in group {
        verb.carry_out(connection, clock);
        // Some failures (a full disk, an input/output error) roll back all of a transaction by themselves.
        if connection.is_autocommit() {
            return Err(StoreError::Unavailable("the transaction was rolled back".to_owned()));
        }
    }
    let kept = if connection.total_changes() == changes { Ok(()) } else { clock.keep(connection) };
    kept.and_then(|()| run(connection, "COMMIT")).map_err(|error| {
        if !connection.is_autocommit()
            && let Err(error) = run(connection, "ROLLBACK")
        {
            error!("failed to roll back: {error}");
        }
        failed::of_commit(&error)
    })
}

fn in_savepoint<T>(connection: &Connection, clock: &StoreClock, verb: impl FnOnce(&Tx<'_>) -> Attempt<T>) -> StoreResult<T> {
    run(connection, "SAVEPOINT verb").map_err(|error| failed::of(&error))?;
    let tx = Tx { connection, now: clock.now() };
    // A panic of one verb, on values that nobody thought of, must not take the store from all the others.
    let result = catch_unwind(AssertUnwindSafe(|| verb(&tx)))
        .unwrap_or_else(|_| Err(StoreError::Data("the verb panicked on these values".to_owned()).into()));
    let ended = match &result {
        Ok(_) => run(connection, "RELEASE verb"),
        Err(_) if connection.is_autocommit() => Ok(()),
        Err(_) => run(connection, "ROLLBACK TO verb").and_then(|()| run(connection, "RELEASE verb")),
    };
    if ended.is_err() && result.is_err() && !connection.is_autocommit() {
        // Half a verb would be committed with the group: then nobody's is.
        run(connection, "ROLLBACK").map_err(|error| failed::of(&error))?;
    }
    let value = result.map_err(|failed| failed.0)?;
    ended.map_err(|error| failed::of(&error))?;
    Ok(value)
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use belfry_core::ports::WallClock;

    use super::*;

    struct Still;

    impl WallClock for Still {
        fn now(&self) -> UnixMillis {
            UnixMillis::EPOCH
        }
    }

    #[tokio::test]
    async fn a_verb_that_panics_is_undone_and_takes_the_writer_from_nobody() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE store_clock (last_now INTEGER); INSERT INTO store_clock VALUES (0); CREATE TABLE rows (id INTEGER);",
            )
            .unwrap();
        let clock = StoreClock::read(&connection, Arc::new(Still)).unwrap();
        let (writer, work) = Writer::new(connection, Arc::new(clock));
        let thread = thread::spawn(work);
        let panicked: StoreResult<()> = writer
            .write(|tx| {
                tx.execute("INSERT INTO rows VALUES (1)", [])?;
                panic!("as intended")
            })
            .await;
        assert!(matches!(panicked, Err(StoreError::Data(_))), "{panicked:?}");
        let count = writer.write(|tx| Ok(tx.query_row("SELECT count(*) FROM rows", [], |row| row.get::<_, i64>(0))?)).await;
        assert_eq!(count, Ok(0));
        writer.close().await;
        thread.join().unwrap();
    }
}

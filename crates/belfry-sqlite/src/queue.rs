//! The embedded queue: rows of a table, handed out by this process.
//!
//! A message is kept from its confirm until it is acknowledged. Who holds it is kept in memory: one process owns the file,
//! so whatever was held when it ended is free when the file is opened again, and taking a message writes nothing.
//! The message's body is not kept: its consumers are workers beside the store, where the run itself stands.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tokio::sync::Notify;
use tracing::error;

use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled, StoreError};
use belfry_core::workflow::QueueName;

use crate::failed::Attempt;
use crate::store::rows;
use crate::writer::Writer;

/// How long a consumer relies on being woken: a publisher that went away after its commit wakes nobody.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct SqliteQueue {
    writer: Writer,
    desk: Arc<Desk>,
}

/// What the consumers of one file share.
struct Desk {
    /// Ids come from here, not from the table, so that no id comes again after a commit that failed.
    next_message: AtomicI64,
    hands: Mutex<Hands>,
    /// Messages came, or came back.
    ready: Notify,
}

#[derive(Default)]
struct Hands {
    /// By the tag of the delivery: of each, so that a late acknowledgement of an earlier one changes nothing.
    held: HashMap<u64, Held>,
    /// The messages of `held`.
    messages: HashSet<i64>,
    /// Living consumer → what it holds and was not handed yet: taken for a call that was dropped before its answer.
    taken: HashMap<u64, VecDeque<Delivered>>,
    /// Deliveries and consumers are numbered.
    numbers: u64,
}

struct Held {
    message: i64,
    consumer: u64,
}

/// A message that nobody holds.
struct Free {
    message: i64,
    run_id: RunId,
    queue: QueueName,
}

impl Hands {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn take(&mut self, consumer: u64, free: Free) {
        let tag = self.number();
        self.messages.insert(free.message);
        self.held.insert(tag, Held { message: free.message, consumer });
        let delivered = Delivered { run_id: free.run_id, queue: free.queue, tag };
        self.taken.entry(consumer).or_default().push_back(delivered);
    }

    fn let_go(&mut self, tag: u64) {
        if let Some(held) = self.held.remove(&tag) {
            self.messages.remove(&held.message);
        }
    }

    fn let_all_go(&mut self, consumer: u64) {
        self.taken.remove(&consumer);
        let messages = &mut self.messages;
        self.held.retain(|_, held| {
            let stays = held.consumer != consumer;
            if !stays {
                messages.remove(&held.message);
            }
            stays
        });
    }
}

impl Desk {
    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteQueue {
    pub(crate) fn new(writer: Writer, first_message: i64) -> SqliteQueue {
        let desk = Desk { next_message: AtomicI64::new(first_message), hands: Mutex::default(), ready: Notify::new() };
        SqliteQueue { writer, desk: Arc::new(desk) }
    }

    pub(crate) fn first_message(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM queue_messages", [], |row| row.get(0))
    }
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        let settled = vec![Settled::Confirmed; messages.len()];
        let (queue, desk) = (queue.clone(), Arc::clone(&self.desk));
        let inserted = self.writer.write(move |tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO queue_messages (id, queue, run_id)
                 VALUES (?1, ?2, ?3)",
            )?;
            for message in messages {
                let id = desk.next_message.fetch_add(1, Ordering::Relaxed);
                insert.execute(params![id, queue.as_str(), message.run_id.0])?;
            }
            Ok(())
        });
        inserted.await.map_err(unavailable)?;
        self.desk.ready.notify_waiters();
        Ok(settled)
    }

    /// The file is open, or there would be no queue.
    fn state(&self) -> QueueState {
        QueueState::Up
    }

    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        let (queues, desk) = ([queue.clone()], Arc::clone(&self.desk));
        // On the writer's thread, where messages are taken and acknowledged: nothing is on its way between the two.
        let ready = self.writer.write(move |tx| {
            let hands = desk.hands();
            Ok(!free_messages(tx, &queues, &hands.messages, 1)?.is_empty())
        });
        ready.await.map_err(unavailable)
    }

    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        let mut hands = self.desk.hands();
        let number = hands.number();
        hands.taken.insert(number, VecDeque::new());
        drop(hands);
        Ok(Box::new(SqliteConsumer { writer: self.writer.clone(), desk: Arc::clone(&self.desk), number, queues }))
    }
}

struct SqliteConsumer {
    writer: Writer,
    desk: Arc<Desk>,
    number: u64,
    queues: Vec<QueueName>,
}

#[async_trait]
impl Consumer for SqliteConsumer {
    async fn receive(&mut self, slots: usize, patience: jiff::SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        let patience = tokio::time::sleep(Duration::try_from(patience).unwrap_or_default());
        tokio::pin!(patience);
        let desk = Arc::clone(&self.desk);
        loop {
            let ready = desk.ready.notified();
            tokio::pin!(ready);
            // From here on, not from the first wait: what is published while this takes must not be missed.
            ready.as_mut().enable();
            self.take(slots).await?;
            let handed = self.hand_out(slots);
            if !handed.is_empty() || slots == 0 {
                return Ok(handed);
            }
            tokio::select! {
                () = &mut patience => return Ok(Vec::new()),
                () = ready => {}
                () = tokio::time::sleep(LONGEST_SLEEP) => {}
            }
        }
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.remove(delivered).await.map(drop)
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        if self.held(delivered).is_some() {
            self.desk.hands().let_go(delivered.tag);
            self.desk.ready.notify_waiters();
        }
        Ok(())
    }

    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        if self.remove(delivered).await? {
            let (run, queue) = (delivered.run_id, &delivered.queue);
            error!(run.id = %run, "the message of run {run} was rejected in queue {queue} and is gone: this queue keeps no dead letters");
        }
        Ok(())
    }
}

impl SqliteConsumer {
    /// Removes the message of `delivered` for good; false when this consumer does not hold it.
    async fn remove(&self, delivered: &Delivered) -> Result<bool, QueueError> {
        let Some(message) = self.held(delivered) else { return Ok(false) };
        let deleted = self.writer.write(move |tx| {
            tx.prepare_cached("DELETE FROM queue_messages WHERE id = ?1")?.execute([message])?;
            Ok(())
        });
        deleted.await.map_err(unavailable)?;
        self.desk.hands().let_go(delivered.tag);
        Ok(true)
    }

    /// The message of `delivered`, if this consumer holds it.
    fn held(&self, delivered: &Delivered) -> Option<i64> {
        let hands = self.desk.hands();
        hands.held.get(&delivered.tag).filter(|held| held.consumer == self.number).map(|held| held.message)
    }

    /// Takes up to `slots` messages into this consumer's hands. On the writer's thread: there a message that is
    /// acknowledged has gone before it can be taken again.
    async fn take(&self, slots: usize) -> Result<(), QueueError> {
        let (desk, number, queues) = (Arc::clone(&self.desk), self.number, self.queues.clone());
        let taken = self.writer.write(move |tx| {
            let mut hands = desk.hands();
            // A consumer that was dropped meanwhile takes nothing.
            let Some(taken) = hands.taken.get(&number) else { return Ok(()) };
            let wanted = slots.saturating_sub(taken.len());
            for free in free_messages(tx, &queues, &hands.messages, wanted)? {
                hands.take(number, free);
            }
            Ok(())
        });
        taken.await.map_err(unavailable)
    }

    fn hand_out(&self, slots: usize) -> Vec<Delivered> {
        let mut hands = self.desk.hands();
        let taken = hands.taken.entry(self.number).or_default();
        taken.drain(..slots.min(taken.len())).collect()
    }
}

impl Drop for SqliteConsumer {
    fn drop(&mut self) {
        let mut hands = self.desk.hands();
        hands.let_all_go(self.number);
        drop(hands);
        self.desk.ready.notify_waiters();
    }
}

/// The oldest messages of `queues` (of all, when empty) that nobody holds, at most `wanted`.
fn free_messages(connection: &Connection, queues: &[QueueName], held: &HashSet<i64>, wanted: usize) -> Attempt<Vec<Free>> {
    if wanted == 0 {
        return Ok(Vec::new());
    }
    // Enough that `wanted` free ones are among them.
    let limit = i64::try_from(wanted + held.len()).unwrap_or(i64::MAX);
    let free = |row: &rusqlite::Row<'_>| {
        Ok(Free { message: row.get("id")?, run_id: RunId(row.get("run_id")?), queue: rows::queue(row, "queue")? })
    };
    let mut found = Vec::new();
    if queues.is_empty() {
        let mut select = connection.prepare_cached(
            "SELECT id, queue, run_id
             FROM queue_messages
             ORDER BY id
             LIMIT ?1",
        )?;
        found.extend(select.query_map([limit], free)?.collect::<Result<Vec<_>, _>>()?);
    }
    let mut select = connection.prepare_cached(
        "SELECT id, queue, run_id
         FROM queue_messages
         WHERE queue = ?1
         ORDER BY id
         LIMIT ?2",
    )?;
    for queue in queues {
        found.extend(select.query_map(params![queue.as_str(), limit], free)?.collect::<Result<Vec<_>, _>>()?);
    }
    found.retain(|free: &Free| !held.contains(&free.message));
    found.sort_by_key(|free| free.message);
    // A queue that is named twice is consumed once.
    found.dedup_by_key(|free| free.message);
    found.truncate(wanted);
    Ok(found)
}

fn unavailable(error: StoreError) -> QueueError {
    QueueError::Unavailable(error.to_string())
}

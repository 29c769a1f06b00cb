//! The embedded queue, for those without a broker: rows of a table, which any number of processes take in turns.
//!
//! A message is kept from its confirm until it is acknowledged. Who takes it holds it for [`HOLD`] by the store's clock:
//! long, because workers acknowledge as soon as they have claimed, so that it runs out only for who died. Each taking is
//! numbered, and every later word on it compares that number: whoever was frozen for longer takes nothing from the next one.
//! The message's body is not kept: its consumers are workers beside the store, where the run itself stands.
//!
//! Publishers of this process wake its consumers, those of others are found by looking. Not by NOTIFY: each commit with one
//! takes a lock of the whole database.

mod hands;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_postgres::Row;
use tracing::warn;
use uuid::Uuid;

use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled, StoreError, StoreResult};
use belfry_core::workflow::QueueName;

use crate::connections::Lease;
use crate::failed::Attempt;
use crate::pool::Pool;
use crate::store::conditions::as_limit;
use crate::store::rows;
use hands::{Hands, Held, Taken};

/// How long a message is its taker's.
const HOLD: Duration = Duration::from_secs(10);
/// How often an idle consumer looks for what other processes have published.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The queue in a PostgreSQL database. Its clones are the same queue.
#[derive(Clone)]
pub struct PostgresQueue {
    table: Arc<Table>,
}

struct Table {
    pool: Pool,
    /// Messages came, or came back, by this process.
    ready: Arc<Notify>,
}

impl PostgresQueue {
    pub(crate) fn new(pool: Pool, ready: Arc<Notify>) -> PostgresQueue {
        PostgresQueue { table: Arc::new(Table { pool, ready }) }
    }
}

#[async_trait]
impl Queue for PostgresQueue {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        if !messages.is_empty() {
            self.table.insert(queue, &messages).await.map_err(unavailable)?;
            self.table.ready.notify_waiters();
        }
        Ok(vec![Settled::Confirmed; messages.len()])
    }

    /// It is where the store is: while it cannot be reached, there is nothing to publish either.
    fn state(&self) -> QueueState {
        QueueState::Up
    }

    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        self.table.has_ready(queue).await.map_err(unavailable)
    }

    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        let mut queues: Vec<String> = queues.iter().map(|queue| queue.as_str().to_owned()).collect();
        // A queue that is named twice is consumed once.
        queues.sort_unstable();
        queues.dedup();
        Ok(Box::new(PostgresConsumer { table: Arc::clone(&self.table), queues: queues.into(), hands: Arc::new(Hands::new()) }))
    }
}

struct PostgresConsumer {
    table: Arc<Table>,
    queues: Arc<[String]>,
    hands: Arc<Hands>,
}

#[async_trait]
impl Consumer for PostgresConsumer {
    async fn receive(&mut self, slots: usize, patience: jiff::SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        let patience = tokio::time::sleep(Duration::try_from(patience).unwrap_or_default());
        tokio::pin!(patience);
        let table = Arc::clone(&self.table);
        loop {
            let ready = table.ready.notified();
            tokio::pin!(ready);
            // From here on, not from the first wait: what is published while this takes must not be missed.
            ready.as_mut().enable();
            self.take(slots).await?;
            let handed = self.hands.hand_out(slots);
            if !handed.is_empty() || slots == 0 {
                return Ok(handed);
            }
            tokio::select! {
                () = &mut patience => return Ok(Vec::new()),
                () = ready => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let Some(held) = self.hands.held(delivered.tag) else { return Ok(()) };
        self.table.delete(&held).await.map_err(unavailable)?;
        self.hands.let_go(delivered.tag);
        Ok(())
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let Some(held) = self.hands.held(delivered.tag) else { return Ok(()) };
        self.table.give_back(&[held]).await.map_err(unavailable)?;
        self.hands.let_go(delivered.tag);
        Ok(())
    }

    /// There are no dead letters here: what is to be known of the message is in its run.
    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.acknowledge(delivered).await?;
        warn!(run.id = %delivered.run_id, queue = %delivered.queue, "a message was rejected and is gone");
        Ok(())
    }
}

impl PostgresConsumer {
    /// Takes up to `slots` messages into this consumer's hands. By a task of its own, which ends when this call is dropped
    /// half-way, so that what was taken for it is there for the next one.
    async fn take(&self, slots: usize) -> Result<(), QueueError> {
        let (table, queues, hands) = (Arc::clone(&self.table), Arc::clone(&self.queues), Arc::clone(&self.hands));
        let taking = tokio::spawn(async move {
            let _turn = hands.turn().await;
            let wanted = slots.saturating_sub(hands.waiting());
            if wanted == 0 {
                return Ok(());
            }
            let taken = table.take(&queues, wanted).await?;
            // The consumer may be gone meanwhile.
            let nobodys = hands.keep(taken);
            if nobodys.is_empty() { Ok(()) } else { table.give_back(&nobodys).await }
        });
        match taking.await {
            Ok(taken) => taken.map_err(unavailable),
            Err(ended) => Err(QueueError::Unavailable(format!("the taking of messages was ended: {ended}"))),
        }
    }
}

impl Drop for PostgresConsumer {
    fn drop(&mut self) {
        let held = self.hands.close();
        // Without a runtime the process is ending: what it holds comes back when its time is over.
        let Ok(runtime) = Handle::try_current() else { return };
        if !held.is_empty() {
            let table = Arc::clone(&self.table);
            runtime.spawn(async move {
                if let Err(error) = table.give_back(&held).await {
                    warn!(messages = held.len(), "messages that were not given back are delivered in a minute: {error}");
                }
            });
        }
    }
}

impl Table {
    async fn insert(&self, queue: &QueueName, messages: &[Message]) -> StoreResult<()> {
        let statement = "
            INSERT INTO queue_messages (queue, run_id)
            SELECT $1, new.run_id
            FROM unnest($2::uuid[]) WITH ORDINALITY AS new (run_id, place)
            ORDER BY new.place";
        let runs: Vec<Uuid> = messages.iter().map(|message| message.run_id.0).collect();
        let db = self.lease().await?;
        let inserted = db.execute(statement, &[&queue.as_str(), &runs]).await;
        db.wrote(inserted)?;
        Ok(())
    }

    async fn has_ready(&self, queue: &QueueName) -> StoreResult<bool> {
        let statement = "
            SELECT id
            FROM queue_messages
            WHERE queue = $1
              AND held_until <= store_now()
            ORDER BY id
            LIMIT 1";
        let db = self.lease().await?;
        let found = db.row(statement, &[&queue.as_str()]).await;
        Ok(db.read(found)?.is_some())
    }

    /// The oldest of each of `queues` (of all, when empty) that nobody holds, at most `wanted`.
    async fn take(&self, queues: &[String], wanted: usize) -> StoreResult<Vec<Taken>> {
        let named = "SELECT unnest($3::text[])";
        // From queue to queue along the index.
        let all = "
            WITH RECURSIVE standing (queue) AS (
                (
                    SELECT queue
                    FROM queue_messages
                    ORDER BY queue
                    LIMIT 1
                )
                UNION ALL
                SELECT (
                    SELECT message.queue
                    FROM queue_messages message
                    WHERE message.queue > standing.queue
                    ORDER BY message.queue
                    LIMIT 1
                )
                FROM standing
                WHERE standing.queue IS NOT NULL
            )
            SELECT queue
            FROM standing
            WHERE $3::text[] = '{}'";
        let wanted_queues = if queues.is_empty() { all } else { named };
        // Queue by queue, so that what waits in others is not walked through.
        let statement = format!(
            "WITH free AS MATERIALIZED (
                 SELECT message.queue, message.id
                 FROM ({wanted_queues}) AS wanted (queue)
                 CROSS JOIN LATERAL (
                     SELECT queue, id
                     FROM queue_messages
                     WHERE queue = wanted.queue
                       AND held_until <= store_now()
                     ORDER BY id
                     LIMIT $1
                     FOR NO KEY UPDATE SKIP LOCKED
                 ) message
                 ORDER BY message.id
                 LIMIT $1
             ),
             taken AS (
                 UPDATE queue_messages message
                 SET deliveries = message.deliveries + 1,
                     held_until = store_now() + $2::bigint * interval '1 millisecond'
                 FROM free
                 WHERE message.queue = free.queue
                   AND message.id = free.id
                 RETURNING message.id, message.queue, message.run_id, message.deliveries
             )
             SELECT id, queue, run_id, deliveries
             FROM taken
             ORDER BY id"
        );
        let hold = i64::try_from(HOLD.as_millis()).unwrap_or(i64::MAX);
        let db = self.lease().await?;
        let found = db.rows(&statement, &[&as_limit(wanted), &hold, &queues]).await;
        db.wrote(found.and_then(|found| rows::all(&found, taken)))
    }

    async fn delete(&self, held: &Held) -> StoreResult<()> {
        let statement = "
            DELETE FROM queue_messages
            WHERE queue = $1
              AND id = $2
              AND deliveries = $3";
        let db = self.lease().await?;
        let deleted = db.execute(statement, &[&held.queue.as_str(), &held.message, &held.delivery]).await;
        db.wrote(deleted)?;
        Ok(())
    }

    async fn give_back(&self, all: &[Held]) -> StoreResult<()> {
        let statement = "
            WITH held AS MATERIALIZED (
                SELECT message.queue, message.id
                FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS held (queue, id, deliveries)
                JOIN queue_messages message
                  ON message.queue = held.queue
                 AND message.id = held.id
                WHERE message.deliveries = held.deliveries
                ORDER BY message.id
                FOR NO KEY UPDATE OF message
            )
            UPDATE queue_messages message
            SET held_until = '-infinity'
            FROM held
            WHERE message.queue = held.queue
              AND message.id = held.id";
        let queues: Vec<&str> = all.iter().map(|held| held.queue.as_str()).collect();
        let (messages, deliveries): (Vec<i64>, Vec<i64>) = all.iter().map(|held| (held.message, held.delivery)).unzip();
        let db = self.lease().await?;
        let given_back = db.execute(statement, &[&queues, &messages, &deliveries]).await;
        db.wrote(given_back)?;
        self.ready.notify_waiters();
        Ok(())
    }

    async fn lease(&self) -> StoreResult<Lease> {
        Lease::from(&self.pool).await
    }
}

fn taken(row: &Row) -> Attempt<Taken> {
    let held = Held { queue: rows::queue(row)?, message: row.try_get("id")?, delivery: row.try_get("deliveries")? };
    Ok(Taken { held, run_id: RunId(row.try_get("run_id")?) })
}

fn unavailable(error: StoreError) -> QueueError {
    QueueError::Unavailable(error.to_string())
}

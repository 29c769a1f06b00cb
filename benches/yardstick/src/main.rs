//! The yardstick: the smallest honest program that claims due rows, inserts runs, advances by a fixed interval, publishes with
//! confirms and marks, in batches of 500 with two claimers, and nothing else.
//!
//! It knows no time zones, edits, retries, leases or deaths: what it does in a second is what the database and the broker can
//! do in a second on this machine. Belfry's rates are given as the ratio to it in the same run; see `docs/benchmarks.md`.

#![expect(clippy::disallowed_methods, reason = "it measures by the host's clock, and makes random ids")]

mod drain;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const BATCH: i64 = 500;
const CLAIMERS: usize = 2;
const QUEUE: &str = "yardstick";
/// About what a message of Belfry has.
const BODY_BYTES: usize = 600;

/// Fires schedules that are all due at once, and says how long that took
#[derive(Parser)]
struct Arguments {
    /// postgresql://user@host/database; a schema `yardstick` is made in it, and dropped at the end
    #[arg(long, env = "BELFRY_DATABASE_URL", hide_env_values = true)]
    database: String,
    /// amqp://user:password@host/vhost
    #[arg(long, env = "BELFRY_BROKER_URL", hide_env_values = true)]
    broker: String,
    /// How many schedules are due at one instant
    #[arg(long, default_value_t = 10_000)]
    schedules: i64,
    /// `quorum` or `classic`
    #[arg(long, default_value = "quorum")]
    queue_type: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    ensure!(rustls::crypto::ring::default_provider().install_default().is_ok(), "a TLS provider was installed before ours");
    let database = connect(&arguments.database).await?;
    let broker = Connection::connect(&arguments.broker, ConnectionProperties::default()).await.context("cannot reach the broker")?;
    prepare(&database, &broker, &arguments).await?;
    let drained = drain::start(&broker, QUEUE).await?;
    let begun = Instant::now();
    let claimers = (0..CLAIMERS).map(|_| claim_all(&arguments, &broker));
    let fired: i64 = try_join_all(claimers).await?.into_iter().sum();
    let took = begun.elapsed();
    ensure!(fired == arguments.schedules, "{fired} runs were fired, and {} schedules were due", arguments.schedules);
    let marked: i64 = database.query_one("SELECT count(*) FROM yardstick.runs WHERE state = 'queued'", &[]).await?.get(0);
    ensure!(marked == fired, "{marked} of {fired} runs were marked");
    drained.wait_for(fired).await?;
    database.batch_execute("DROP SCHEMA yardstick CASCADE").await?;
    broker.create_channel().await?.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let per_second = fired as f64 / seconds;
    println!("{}", serde_json::json!({"what": "yardstick", "schedules": fired, "seconds": seconds, "fires_per_second": per_second}));
    Ok(())
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot reach the database")?;
    tokio::spawn(connection);
    Ok(client)
}

async fn prepare(database: &Client, broker: &Connection, arguments: &Arguments) -> anyhow::Result<()> {
    database
        .batch_execute(
            "DROP SCHEMA IF EXISTS yardstick CASCADE;
             CREATE SCHEMA yardstick;
             CREATE TABLE yardstick.schedules (id bigint PRIMARY KEY, next_run_at timestamptz NOT NULL) WITH (fillfactor = 60);
             CREATE INDEX ON yardstick.schedules (next_run_at);
             CREATE TABLE yardstick.runs (
                 id uuid PRIMARY KEY,
                 schedule_id bigint NOT NULL,
                 planned_at timestamptz NOT NULL,
                 state text NOT NULL,
                 UNIQUE (schedule_id, planned_at)
             ) WITH (fillfactor = 70);",
        )
        .await?;
    database
        .execute("INSERT INTO yardstick.schedules SELECT id, now() FROM generate_series(1, $1::bigint) AS id", &[&arguments.schedules])
        .await?;
    database.batch_execute("VACUUM ANALYZE yardstick.schedules").await?;
    database.batch_execute("CHECKPOINT").await?;
    let mut queue = FieldTable::default();
    queue.insert("x-queue-type".into(), AMQPValue::LongString(arguments.queue_type.as_str().into()));
    let channel = broker.create_channel().await?;
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() }, queue).await?;
    Ok(())
}

/// One claimer: batch after batch, until nothing is due.
async fn claim_all(arguments: &Arguments, broker: &Connection) -> anyhow::Result<i64> {
    let database = connect(&arguments.database).await?;
    let channel = broker.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let body = vec![b'x'; BODY_BYTES];
    let mut fired = 0;
    loop {
        let runs = claim(&database).await?;
        if runs.is_empty() {
            return Ok(fired);
        }
        publish(&channel, &runs, &body).await?;
        database.execute("UPDATE yardstick.runs SET state = 'queued' WHERE id = ANY ($1)", &[&runs]).await?;
        fired += i64::try_from(runs.len())?;
    }
}

async fn claim(database: &Client) -> anyhow::Result<Vec<Uuid>> {
    let statement = database
        .prepare(
            "WITH due AS MATERIALIZED (
                 SELECT id, next_run_at
                 FROM yardstick.schedules
                 WHERE next_run_at <= now()
                 ORDER BY next_run_at
                 LIMIT $1
                 FOR NO KEY UPDATE SKIP LOCKED
             ),
             moved AS (
                 UPDATE yardstick.schedules schedule
                 SET next_run_at = schedule.next_run_at + interval '1 day'
                 FROM due
                 WHERE schedule.id = due.id
             )
             INSERT INTO yardstick.runs (id, schedule_id, planned_at, state)
             SELECT gen_random_uuid(), id, next_run_at, 'pending'
             FROM due
             RETURNING id",
        )
        .await?;
    Ok(database.query(&statement, &[&BATCH]).await?.iter().map(|row| row.get(0)).collect())
}

async fn publish(channel: &Channel, runs: &[Uuid], body: &[u8]) -> anyhow::Result<()> {
    let mut confirms = Vec::with_capacity(runs.len());
    for run in runs {
        let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(run.to_string().into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        confirms.push(channel.basic_publish("".into(), QUEUE.into(), options, body, properties).await?);
    }
    let confirmed =
        tokio::time::timeout(Duration::from_secs(60), try_join_all(confirms)).await.context("no confirms within a minute")??;
    ensure!(confirmed.iter().all(lapin::Confirmation::is_ack), "a message was refused");
    Ok(())
}
